"""The Kalman page's widgets: what a hand makes of them, and orders that a browser may miss."""

from functools import partial

import pytest

from app.kalman import picking, sidebar
from app.kalman.picking import LATEST
from app.kalman.settings import FREE, LINK
from bkn.store.writer import Writer
from tests.app import network_maps, snapshots
from tests.app.conftest import ROOT
from tests.app.reading import html, turned, widgets
from tests.app.reading import said as words
from tests.app.test_kalman_page import link

NETWORK = network_maps.convnet((4, 4, 6), size=4)


@pytest.fixture
def kalman_page(open_page):
    """Open the page with an address."""
    return partial(open_page, "kalman")


@pytest.fixture
def recorded_page(kalman_page, supervisor, tmp_path):
    """Open the page on one of three races, of which two have their methods at other places."""
    same = ("batch", "kalman", "kalman:gain=0.5")
    for race_id, entrants in ("first", ("batch", "group", "kalman")), ("other", same):
        snapshots.write_race(tmp_path, NETWORK, entrants, race_id=race_id, probe="full")
    snapshots.write_race(
        tmp_path, NETWORK, ("kalman",), (0, 30), "live", "running", probe="full", epochs=10
    )
    return partial(kalman_page, source="recorded")


def drawn(page):
    """All widgets of settings, by the setting's name."""
    return {one.key.partition("~")[0]: one for one in widgets(page)}


def ids(page):
    """What the browser tells the widgets apart by."""
    return {name: one.id for name, one in drawn(page).items()}


def pick(page, name):
    """A selectbox of a recorded layer."""
    return turned(page.selectbox, f"recorded_{name}")


def press(page, key):
    """Press a button; returns what the browser says of its widgets that has not heard of it."""
    said = page._tree.get_widget_states()
    page.button(key=key).click().run()
    return said


@pytest.mark.parametrize(
    ("url", "count"), [({}, 1 + len(FREE)), ({"source": "recorded", "race": "first"}, 7)]
)
def test_a_refresh_orders_nothing_of_the_browser(recorded_page, url, count):
    page = recorded_page(**({"source": "free"} | url))
    before = ids(page)
    page.run()
    assert len(before) == count
    assert ids(page) == before
    assert [name for name, one in drawn(page).items() if one.proto.set_value] == []


def test_a_link_begins_every_widget_though_its_first_run_is_lost(kalman_page):
    page = kalman_page(q="0.9", m="8", draw="7", prior_var="0.45")
    page.run()
    found = drawn(page)
    assert [found[f"filter_{name}"].proto.default for name in ("q", "m", "draw")] == [[0.9], [8], 7]
    slider = found["filter_prior_var"].proto
    assert slider.options[int(slider.default[0])] == "0.45"


@pytest.mark.parametrize("key", ["reset_sliders", "again"])
def test_what_a_browser_says_that_has_not_heard_of_a_press_is_no_move(kalman_page, key):
    page = kalman_page(q="0.9", draw="3")
    before = ids(page)
    said = press(page, key)
    page._run(said)
    page._run(said)
    after = {"q": LINK["q"], "draw": LINK["draw"]} if key == "reset_sliders" else {"draw": 4}
    for name, value in after.items():
        widget = drawn(page)[f"filter_{name}"]
        assert widget.value == value
        assert widget.id != before[f"filter_{name}"]
        assert widget.proto.default in (value, [value])
    changed = {name for name, one in ids(page).items() if one != before[name]}
    assert changed == {f"filter_{name}" for name in after}
    assert link(page) == ({} if key == "reset_sliders" else {"q": "0.9", "draw": "4"})


def test_a_slider_moved_just_before_reset_is_reset(kalman_page):
    page = kalman_page()
    turned(page.slider, "filter_q").set_value(0.7)
    page.button(key="reset_sliders").click().run()
    assert turned(page.slider, "filter_q").value == LINK["q"]
    assert link(page) == {}


def test_a_deal_typed_just_before_draw_again_is_the_one_that_goes_on(kalman_page):
    page = kalman_page()
    turned(page.number_input, "filter_draw").set_value(7)
    page.button(key="again").click().run()
    assert link(page) == {"draw": "8"}
    assert turned(page.number_input, "filter_draw").value == 8


def test_a_move_is_kept_though_its_run_is_broken_off(kalman_page, monkeypatch):
    page = kalman_page()
    turned(page.slider, "filter_q").set_value(0.7)
    with monkeypatch.context() as broken:
        broken.setattr(sidebar, "source", sidebar.st.stop)
        page.run()
    page.run()
    assert turned(page.slider, "filter_q").value == 0.7
    assert link(page) == {"q": "0.7"}


def test_another_race_has_choosers_of_its_own(recorded_page):
    page = recorded_page(race="first")
    before, said = ids(page), page._tree.get_widget_states()
    assert pick(page, "entrant").value == "2"
    pick(page, "race").set_value("other").run()
    assert ids(page)["recorded_entrant"] != before["recorded_entrant"]  # other words for 1
    assert ids(page)["recorded_race"] == before["recorded_race"]  # a hand has moved it
    moved = page._tree.get_widget_states()
    late = [one for one in said.widgets if "recorded_entrant" in one.id]
    moved.widgets.extend(late)
    page._run(moved)
    assert pick(page, "entrant").value == "1"
    assert "In the link" not in words(page)
    assert "Kalman norm" in html(page)


def test_a_race_at_the_same_place_says_other_words(recorded_page):
    page = recorded_page(race="first", entrant="2")
    before = ids(page)["recorded_entrant"]
    pick(page, "race").set_value("other").run()
    assert pick(page, "entrant").value == "2"
    assert ids(page)["recorded_entrant"] != before
    page.run()
    proto = pick(page, "entrant").proto
    assert "0.5" in proto.options[proto.default]


def test_another_layer_has_its_own_channel_though_the_run_is_lost(recorded_page):
    page = recorded_page(race="first", layer="layer2")
    before, worst = ids(page)["recorded_channel"], pick(page, "channel").value
    other = next(one for one in pick(page, "channel").options if one != worst)
    pick(page, "channel").set_value(other).run()
    assert ids(page)["recorded_channel"] == before
    said = page._tree.get_widget_states()
    pick(page, "layer").set_value("layer3").run()
    pick(page, "layer").set_value("layer2").run()
    late = page._tree.get_widget_states()
    late.widgets.extend(one for one in said.widgets if "recorded_channel" in one.id)
    page._run(late)
    assert pick(page, "channel").value == worst
    assert pick(page, "channel").id != before
    assert link(page)["channel"] == worst


def test_a_channel_picked_with_another_layer_was_meant_for_the_last_one(recorded_page):
    page = recorded_page(race="first", layer="layer3")
    worst = pick(page, "channel").value
    pick(page, "layer").set_value("layer2").run()
    last = pick(page, "channel")
    other = next(one for one in last.options if one not in (worst, last.value))
    pick(page, "channel").set_value(other)
    pick(page, "layer").set_value("layer3").run()
    assert f"layer3, channel {worst}," in html(page)
    assert pick(page, "channel").value == link(page)["channel"] == worst


def test_a_race_chosen_a_moment_ago_stays_among_the_options(recorded_page, monkeypatch):
    page = recorded_page()
    monkeypatch.setattr(picking, "RACES", 0)  # so many have come since
    pick(page, "race").set_value("first").run()
    assert pick(page, "race").value == "first"
    assert link(page)["race"] == "first"


def test_the_end_of_the_slider_moves_on_and_a_hand_on_it_is_not_undone(
    recorded_page, supervisor, tmp_path
):
    page = recorded_page(race="live")
    slider = turned(page.select_slider, "recorded_at")
    before = slider.id
    assert slider.value == LATEST
    race = supervisor.reader.race("live").race
    for step in 60, 90:
        with Writer(supervisor.path) as writer, writer.transaction():
            snapshots.add_snapshots(writer, "live", race, NETWORK, (step,))
        page.run()
        assert f"after step {step} of" in html(page)
        assert turned(page.select_slider, "recorded_at").id == before
    with Writer(supervisor.path) as writer, writer.transaction():
        snapshots.add_snapshots(writer, "live", race, NETWORK, (120,))
    turned(page.select_slider, "recorded_at").set_value("30").run()
    assert "after step 30 of" in html(page)
    assert link(page)["at"] == "30"
    turned(page.select_slider, "recorded_at").set_value(LATEST).run()
    assert "after step 120 of" in html(page)
    assert "at" not in link(page)


def test_a_chooser_that_was_away_is_another_one(recorded_page):
    page = recorded_page(race="first", layer="layer2", group="1")
    said = page._tree.get_widget_states()
    turned(page.segmented_control, "numbers_from").set_value("free").run()
    page.session_state["_kalman"]["group"] = "2"
    turned(page.segmented_control, "numbers_from").set_value("recorded").run()
    late = page._tree.get_widget_states()
    late.widgets.extend(one for one in said.widgets if "recorded_group" in one.id)
    page._run(late)
    assert pick(page, "group").value == "2"
    assert "micro-batch 2," in html(page)


def test_the_gain_and_the_layers_pages_gain_do_not_mix(kalman_page):
    page = kalman_page(q="0.9")
    turned(page.slider, "filter_q").set_value(0.8).run()
    page.query_params.clear()
    page.switch_page(str(ROOT / "pages" / "layers.py")).run()
    assert turned(page.slider, "q").value == 0.5
    turned(page.slider, "q").set_value(0.25).run()
    page.query_params.clear()
    page = kalman_page()
    assert turned(page.slider, "filter_q").value == 0.8
    assert link(page) == {"q": "0.8"}
