"""The Layers page in a real browser: pick, move through the history, play, replay, follow live."""

import re

from playwright.sync_api import Page

from tests.app.network_maps import bottlenecks, convnet
from tests.app.snapshots import write_race
from tests.browser.driving import (
    Server,
    address,
    press,
    race_id,
    resting_box,
    thumb,
    wait_said,
    wait_status,
    widget,
)
from tests.patience import until

READY = ".st-key-fig_belief .main-svg"


def visit_layers(visit, server: Server, query: str = "", **more) -> Page:
    """Open the page and wait until its figures are drawn."""
    page = visit(f"{server.url}/layers{query}", ready=READY, **more)
    page.locator(".st-key-fig_map .main-svg").first.wait_for()
    return page


def when(page: Page) -> str:
    """step 90 of 210 · snapshot 4 of 8."""
    return page.locator(".st-key-timeline .bkn-now").inner_text()


def snapshot(page: Page) -> tuple[int, int]:
    """Number of the snapshot that is shown, and how many there are."""
    found = re.search(r"snapshot (\d+) of (\d+)", when(page))
    assert found
    return int(found[1]), int(found[2])


def title(page: Page, figure: str) -> str:
    return page.locator(f".st-key-{figure} h3").inner_text()


def squares(page: Page):
    """The normalizers in the map: all but the last of its marks, which frames the picked one."""
    traces = page.locator(".st-key-fig_map .scatterlayer .trace")
    return traces.nth(traces.count() - 2).locator(".point")


def click_layer(page: Page, number: int) -> None:
    """Click a normalizer's square in the map."""
    box = resting_box(squares(page).nth(number))
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 1, y)
    page.mouse.move(x, y)
    page.mouse.click(x, y)


def test_a_click_on_the_map_picks_a_layer_and_a_click_on_a_bar_its_channel(server, visit):
    page = visit_layers(visit, server)
    assert "layer6" in title(page, "fig_belief")
    click_layer(page, 3)
    until(lambda: "layer4" in title(page, "fig_belief"), "layer4 to be shown")
    until(lambda: "layer=layer4" in address(page), "the link to say so")
    worst = title(page, "fig_belief")
    page.locator(".st-key-fig_gains .barlayer .point").first.wait_for()
    bar = page.locator(".st-key-fig_gains .barlayer .point").last
    box = resting_box(bar)
    page.mouse.move(box["x"] + box["width"] / 2 - 1, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(lambda: title(page, "fig_belief") != worst, "another channel")
    press(page, "worst")
    until(lambda: title(page, "fig_belief") == worst, "the worst channel")


def test_a_channel_and_a_micro_batch_are_chosen_by_hand(server, visit):
    page = visit_layers(visit, server, "?layer=layer2&channel=0")
    assert title(page, "fig_belief") == "What does layer2 believe about channel 0?"
    press(page, "next")
    until(lambda: "channel 1?" in title(page, "fig_belief"), "the next channel")
    before = page.locator(".st-key-numbers .bkn-said").inner_text()
    group = widget(page, "group")
    group.locator("[role=combobox], [data-baseweb=select]").first.click()
    page.get_by_role("option", name="3", exact=True).click()
    until(
        lambda: "Micro-batch 3:" in page.locator(".st-key-numbers .bkn-said").inner_text(),
        "micro-batch 3",
    )
    assert page.locator(".st-key-numbers .bkn-said").inner_text() != before


def test_the_slider_moves_through_the_history_and_play_runs_to_its_end(server, visit):
    page = visit_layers(visit, server)
    number, count = snapshot(page)
    assert number == count > 1
    curve = page.locator(".st-key-fig_belief .scatterlayer path.js-line")
    last = curve.last.get_attribute("d")
    thumb(page, "at").press("Home")
    until(lambda: snapshot(page)[0] == 1, "the first snapshot")
    until(lambda: curve.last.get_attribute("d") != last, "another picture")
    until(lambda: "at=0" in address(page), "the link to say so")
    page.evaluate(
        """() => { window.seen = new Set(); const look = () => { window.seen.add(
        document.querySelector('.st-key-timeline .bkn-now').innerText);
        requestAnimationFrame(look); }; look(); }"""
    )
    press(page, "play")
    until(lambda: snapshot(page)[0] == count, "the play to reach its end")
    page.get_by_role("button", name="Play").wait_for()
    seen = page.evaluate("[...window.seen]")
    assert len([words for words in seen if "snapshot" in words]) >= min(count, 3)
    until(lambda: curve.last.get_attribute("d") == last, "the last picture again")


def test_the_slider_stands_where_the_play_was_paused_and_stays_there(server, visit):
    write_race(server.home, convnet(), ("kalman",), range(0, 600, 6), "long", epochs=100)
    page = visit_layers(visit, server, "?run=long&at=0")
    press(page, "play")
    until(lambda: snapshot(page)[0] > 3, "the play to move on")
    press(page, "rest")
    page.get_by_role("button", name="Play").wait_for()

    def both() -> tuple[str | None, str]:
        return thumb(page, "at").get_attribute("value"), when(page).split()[1]

    until(lambda: len(set(both())) == 1, "the slider where the play was paused")
    paused = both()
    assert 3 < snapshot(page)[0] < 100
    page.get_by_role("link", name="Methods").click()
    page.locator(".bkn-family").first.wait_for()
    page.get_by_role("link", name="Layers").click()
    page.locator(READY).first.wait_for()
    until(lambda: both() == paused, "the slider as it was before another page")


def test_another_gain_is_replayed_and_its_mark_moves(server, visit):
    page = visit_layers(visit, server)
    page.locator(".st-key-fig_replay .scatterlayer .point").first.wait_for()
    chosen = page.locator(".st-key-fig_replay .scatterlayer").first.locator(".trace").nth(3)
    before = resting_box(chosen.locator(".point").first)["x"]
    thumb(page, "q").press("End")
    until(lambda: title(page, "fig_replay") == "What if the gain were 1.00?", "the other gain")
    until(lambda: chosen.locator(".point").first.bounding_box()["x"] > before + 20, "the mark")
    page.locator(".st-key-fig_belief [data-chip=replay]").wait_for()
    until(lambda: "q=1" in address(page), "the link to say so")


def test_what_is_chosen_survives_a_reload(server, visit):
    page = visit_layers(visit, server, "?layer=layer2&channel=5&at=0&q=0.25&moment=mean")
    page.reload()
    page.locator(READY).first.wait_for()
    assert title(page, "fig_belief") == "What does layer2 believe about channel 5?"
    assert title(page, "fig_replay") == "What if the gain were 0.25?"
    assert snapshot(page)[0] == 1


def test_a_wrong_link_is_said_in_words(server, visit):
    page = visit_layers(visit, server, "?layer=nonsense&channel=999&q=7")
    wait_said(page, re.compile("no layer 'nonsense'.*|q must be a number"))
    click_layer(page, 1)
    until(lambda: "layer2" in title(page, "fig_belief"), "layer2 to be shown")


def test_a_network_of_fifty_layers_is_drawn_and_can_be_picked(server, visit):
    write_race(server.home, bottlenecks(), ("batch", "kalman"), (0, 30, 60), "fifty-layers")
    page = visit_layers(visit, server, "?run=fifty-layers&layer=bn1")
    assert squares(page).count() == 53
    click_layer(page, 52)
    until(lambda: "layer4.2.bn3" in title(page, "fig_belief"), "the last layer")


def test_a_live_race_is_followed_and_can_be_measured(server, visit):
    page = visit(f"{server.url}/?methods=batch,kalman&probe=full&epochs=1000&speed=20&seed=3")
    press(page, "start")
    wait_status(page, "running")
    race = race_id(page)
    page.get_by_role("link", name="Layers").click()
    page.locator(READY).first.wait_for()
    assert f"run={race}" in address(page)
    count = snapshot(page)[1]
    until(lambda: snapshot(page)[1] > count, "another snapshot")
    number, count = snapshot(page)
    assert number == count
    assert when(page).endswith("latest")
    thumb(page, "at").press("Home")
    until(lambda: snapshot(page)[0] == 1, "the first snapshot, held")
    until(lambda: snapshot(page)[1] > count, "news that do not move the slider")
    assert snapshot(page)[0] == 1
    page.get_by_text("More: diagnostics").click()
    press(page, "measure_now")
    wait_said(page, "Measuring")
    page.locator(".st-key-fig_profile .main-svg").first.wait_for()
    wait_said(page, re.compile("a learning rate above|not finite|no learning rate"))


def test_on_a_narrow_screen_crowded_figures_are_scrolled_and_the_page_is_not(server, visit):
    page = visit_layers(visit, server, "?layer=layer1", width=420)
    for key in ("fig_map", "fig_depth"):
        host = page.locator(f".st-key-{key} .bkn-host")
        until(lambda host=host: host.bounding_box()["width"] >= 640, "room for its words")
        scrolled = "(host) => (host.parentElement.scrollLeft = 999, host.parentElement.scrollLeft)"
        assert host.evaluate(scrolled) > 200
    assert page.evaluate("document.documentElement.scrollWidth") == 420
    click_layer(page, 5)  # the last one, reached by scrolling
    until(lambda: "layer6" in title(page, "fig_belief"), "layer6 to be shown")
