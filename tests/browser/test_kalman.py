"""The Kalman page in a real browser: sliders, the story played to its end, a recorded layer."""

import pytest

from tests.app import network_maps, snapshots
from tests.browser.driving import (
    address,
    press,
    race_id,
    thumb,
    wait_said,
    wait_status,
    widget,
)
from tests.patience import until

PLAYER = ".st-key-fig_filter .bkn-player"
POSTERIOR = """() => document.querySelector('.st-key-fig_filter .js-plotly-plot').data
    .filter((trace) => trace.meta.chips[0] === 'posterior').at(-1).y.join()"""
IN_USE = """() => document.querySelector('.st-key-fig_q .js-plotly-plot').data
    .filter((trace) => trace.text?.[0] === 'in use').map((trace) => trace.x[0]).join()"""
MOVING = "() => Boolean(document.querySelector('.st-key-fig_filter .bkn-sketch'))"


def visit_kalman(visit, server, query="", **more):
    """Open the page and wait until both figures are drawn."""
    page = visit(f"{server.url}/kalman{query}", ready=f"{PLAYER} button", **more)
    for key in ("fig_filter", "fig_q"):
        page.locator(f".st-key-{key} path.js-line").first.wait_for()
    return page


def numbers(page, stage="update"):
    """The equations of a step as text."""
    return " ".join(page.locator(f".st-key-stage_{stage} .katex-html").all_inner_texts())


def time_of(page):
    """Where the story stands, 0 to 3."""
    return float(page.locator(f"{PLAYER} input").input_value())


def marked(page):
    """The step whose equations are marked."""
    return page.evaluate("document.body.dataset.bknStage")


def slide(page, name, press):
    """Move a slider by a key of the keyboard."""
    thumb(page, name).press(press)


def act(page, what):
    page.locator(f"{PLAYER} [data-do={what}]").click()


def test_the_gain_moves_posterior_equations_and_mark(server, visit):
    page = visit_kalman(visit, server)
    before, drawn = numbers(page), page.evaluate(POSTERIOR)
    assert page.evaluate(IN_USE) == "0.3,0.3"
    slide(page, "filter_q", "End")
    until(lambda: page.evaluate(IN_USE) == "1,1", "the mark at the end of the curve")
    until(lambda: numbers(page) != before, "other numbers")
    until(lambda: page.evaluate(POSTERIOR) != drawn, "another posterior")
    until(lambda: "q=1" in address(page), "q in the address")
    assert "0.00" in numbers(page)  # the prior's weight


def test_reset_brings_slider_and_numbers_back_and_they_stay(server, visit):
    page = visit_kalman(visit, server)
    before = numbers(page)
    slide(page, "filter_q", "End")
    until(lambda: "q=1" in address(page), "q in the address")
    press(page, "reset_sliders")
    until(lambda: thumb(page, "filter_q").input_value() == "0.3", "the slider where it began")
    until(lambda: numbers(page) == before, "the first numbers")
    press(page, "again")  # with it the browser says once more where its sliders are
    until(lambda: "draw=1" in address(page), "another deal")
    assert thumb(page, "filter_q").input_value() == "0.3"
    assert "q=" not in address(page)
    slide(page, "filter_q", "End")
    until(lambda: "q=1" in address(page), "a slider that still listens")


def test_the_story_plays_to_its_end_and_marks_the_equations(server, visit):
    page = visit_kalman(visit, server)
    assert marked(page) == "update"
    act(page, "replay")
    until(lambda: marked(page) == "predict" and page.evaluate(MOVING), "the start")
    page.locator(f"{PLAYER} [aria-label=Pause]").wait_for()
    until(lambda: marked(page) == "observe", "the second step")
    until(lambda: marked(page) == "update", "the third step")
    until(lambda: time_of(page) == 3 and not page.evaluate(MOVING), "the end")
    page.locator(f"{PLAYER} [aria-label=Play]").wait_for()
    assert "it normalizes" in page.locator(".st-key-fig_filter .bkn-beat").inner_text()


def test_it_steps_back_and_forward_and_the_link_holds_the_step(server, visit):
    page = visit_kalman(visit, server)
    act(page, "back")
    until(lambda: time_of(page) == 2 and marked(page) == "observe", "the second step")
    until(lambda: "stage=observe" in address(page), "the step in the address")
    page.reload()
    page.locator(f"{PLAYER} button").first.wait_for()
    until(lambda: time_of(page) == 2, "the same step")
    act(page, "forward")
    until(lambda: time_of(page) == 3 and not page.evaluate(MOVING), "the third step, played")
    until(lambda: "stage" not in address(page), "the usual step")


def test_a_slider_does_not_restart_the_story(server, visit):
    page = visit_kalman(visit, server, "?stage=predict")
    assert time_of(page) == 1
    before = numbers(page, "predict")
    slide(page, "filter_prior_mean", "ArrowLeft")
    until(lambda: numbers(page, "predict") != before, "another prior")
    assert time_of(page) == 1


def test_who_wants_no_motion_gets_three_pictures(server, visit):
    page = visit_kalman(visit, server)
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(
        """selector => {
          const slider = document.querySelector(selector);
          const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
          window.times = [];
          Object.defineProperty(slider, 'value', { get() { return value.get.call(slider); },
            set(time) { window.times.push(Number(time)); value.set.call(slider, time); } });
        }""",
        f"{PLAYER} input",
    )
    act(page, "replay")
    until(lambda: 1 in page.evaluate("window.times"), "the first picture")
    page.locator(f"{PLAYER} [aria-label=Play]").wait_for()
    assert set(page.evaluate("window.times")) == {0, 1, 2, 3}


def choose(page, name, option):
    """Pick from a selectbox."""
    widget(page, name).locator("input").click()
    page.get_by_role("option", name=option, exact=True).click()


@pytest.fixture
def recorded_race(server):
    """A synthetic race with snapshots in the server's store."""
    if server.reader.race("filtered") is None:
        snapshots.write_race(server.home, network_maps.convnet((4, 4, 6)), race_id="filtered")
    return "filtered"


def test_a_recorded_layer_is_picked_and_played(server, visit, recorded_race):
    page = visit_kalman(visit, server, f"?race={recorded_race}")
    widget(page, "numbers_from").locator("button", has_text="A recorded layer").click()
    wait_said(page, "Kalman norm, layer2")
    before = numbers(page)
    choose(page, "recorded_layer", "layer3")
    wait_said(page, "Kalman norm, layer3")
    until(lambda: numbers(page) != before, "the layer's numbers")
    choose(page, "recorded_channel", "4")
    wait_said(page, "layer3, channel 4")
    before = numbers(page)
    slide(page, "recorded_at", "Home")
    wait_said(page, "after step 0 of")
    until(lambda: numbers(page) != before, "the numbers of that step")
    until(lambda: "at=0" in address(page) and "channel=4" in address(page), "the link")
    act(page, "replay")
    until(lambda: time_of(page) == 3 and not page.evaluate(MOVING), "the end")
    page.reload()
    wait_said(page, "layer3, channel 4, micro-batch 1, after step 0 of")


def test_the_first_layer_is_told_to_have_no_prior(server, visit, recorded_race):
    url = f"{server.url}/kalman?source=recorded&race={recorded_race}&layer=layer1"
    page = visit(url, ready=f"{PLAYER} button")
    wait_said(page, "so it has no prior")
    wait_said(page, "nothing to weigh")


def shown_step(page):
    """After which step of the training the numbers are."""
    words = page.locator(".bkn-shown").inner_text().split("after step ")[1]
    return int(words.split()[0].replace(",", ""))


def test_a_live_race_is_followed_until_a_hand_holds_a_step(server, visit):
    page = visit(f"{server.url}/?methods=kalman&probe=full&epochs=1000&speed=100&seed=4")
    press(page, "start")
    wait_status(page, "running")
    race = race_id(page)
    page.goto(f"{server.url}/kalman?source=recorded&race={race}")
    page.locator(f"{PLAYER} button").first.wait_for()
    first, before = shown_step(page), numbers(page)
    until(lambda: shown_step(page) > first, "a later snapshot, by itself")
    until(lambda: numbers(page) != before, "its numbers")
    slide(page, "recorded_at", "Home")
    until(lambda: shown_step(page) <= first, "the first snapshot")
    held = shown_step(page)
    steps = thumb(page, "recorded_at")
    count = steps.get_attribute("max")
    until(lambda: steps.get_attribute("max") != count, "news that do not move the slider")
    assert shown_step(page) == held
