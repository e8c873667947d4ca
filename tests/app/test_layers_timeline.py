"""The Layers page's slider through a run's history, its Play, and what a refresh leaves alone."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from app import widgets
from app.layers import controls, scene
from bkn.experiment import Race
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from tests.app.layers_page import STEPS, open_page, said
from tests.app.network_maps import convnet
from tests.app.reading import echo, shown, turned
from tests.app.snapshots import add_snapshots, write_race


@pytest.fixture
def page(home) -> AppTest:
    """A finished race of three methods with eight snapshots."""
    write_race(home, convnet(), steps=STEPS, epochs=10)
    return open_page(home)


def test_the_slider_snaps_to_the_nearest_snapshot_and_stands_in_the_link(page):
    assert "step 210 of 210" in said(page)
    assert "at" not in page.query_params
    turned(page.slider, "at").set_value(100).run()
    assert "step 90 of 210 · snapshot 4 of 8" in said(page)
    assert page.query_params["at"] == "100"


def test_a_thinned_run_keeps_the_slider_where_it_is(page, home):
    turned(page.slider, "at").set_value(100).run()
    with Writer(home / "runs.db") as writer, writer.transaction():
        for run in writer.run_ids("synthetic"):
            writer.drop_snapshots(run, [30, 90, 150])
    page.run()
    assert turned(page.slider, "at").value == 100
    assert "step 120 of 210 · snapshot 3 of 5" in said(page)


def test_a_snapshot_that_is_thinned_away_while_it_is_read_gives_way_to_its_neighbour(
    page, home, monkeypatch
):
    real, gone = Reader.snapshot_steps, [True]

    def racing(self, run_id):
        steps = real(self, run_id)
        return sorted([*steps, 100]) if gone and gone.pop() else steps

    monkeypatch.setattr(Reader, "snapshot_steps", racing)
    turned(page.slider, "at").set_value(100).run()
    assert not page.exception
    assert not gone
    assert "step 90 of 210 · snapshot 4 of 8" in said(page)


def test_play_goes_through_the_snapshots_and_stops_at_the_end(page, monkeypatch):
    before = shown(page)
    page.button(key="play").click().run()
    assert page.button(key="rest").label == "Pause"
    seen, query = ["step 0 of" in said(page)], page.query_params.get("at")
    monkeypatch.setattr(scene, "BEAT", 1e-9)  # every look is due
    for _ in STEPS:
        page.run()
        plays = "rest" in [button.key for button in page.button]
        assert page.query_params.get("at") == query or not plays
        at = next(iter(page.slider)).value  # of the play, or of the visitor once it is over
        seen.append(f"step {at} of" in said(page))
    assert all(seen)
    assert page.button(key="play").label == "Play"
    echo(page, {key: 0 if value == 210 else value for key, value in before.items()})
    assert "step 210 of 210" in said(page)  # whatever is still said of the slider before the play


def test_play_and_pause_that_come_twice_change_nothing_more(monkeypatch):
    state = {"at": 30}
    monkeypatch.setattr(controls.st, "session_state", state)
    looked_at = SimpleNamespace(steps=[0, 30, 60])
    controls.play(looked_at)
    began = state[scene.PLAYING]
    assert began[1] == 30
    controls.play(looked_at)
    assert state[scene.PLAYING] == began
    controls.rest()
    controls.rest()
    assert scene.PLAYING not in state
    assert widgets.value("at") == 30


def test_a_pause_stays_where_it_is(page, monkeypatch):
    turned(page.slider, "at").set_value(30).run()
    monkeypatch.setattr(scene, "BEAT", 0)  # every look is due
    page.button(key="play").click().run()
    assert page.slider(key="at_playing").disabled
    reached = page.slider(key="at_playing").value
    assert 30 < reached < 210
    monkeypatch.setattr(scene, "BEAT", 1e9)  # none is
    page.button(key="rest").click().run()
    assert page.button(key="play").label == "Play"
    assert turned(page.slider, "at").value == reached
    assert f"step {reached} of" in said(page)


def test_the_right_end_of_the_slider_follows_a_running_race(home):
    write_race(home, convnet(), steps=(0, 30), status="running", epochs=10)
    page = open_page(home)
    assert "step 30 of 210 · snapshot 2 of 2 · latest" in said(page)
    with Writer(home / "runs.db") as writer, writer.transaction():
        race = Race.of(("batch", "group", "kalman"), epochs=10)
        add_snapshots(writer, "synthetic", race, convnet(), (60,))
    page.run()
    assert "step 60 of 210 · snapshot 3 of 3 · latest" in said(page)


def test_a_refresh_orders_nothing_of_the_browser(page, monkeypatch):
    turned(page.slider, "at").set_value(100).run()
    monkeypatch.setattr(scene, "enter", lambda *_: None)  # what a refresh leaves out
    before = shown(page)
    page.run()
    assert shown(page).keys() == before.keys()
    drawn = [*page.slider, *page.selectbox, *page.toggle, *page.get("button_group")]
    assert {one.key for one in drawn} >= {"at", "q", "explain", "layer", "source", "moment"}
    assert [one.key for one in drawn if one.proto.set_value] == []


def test_a_widget_that_comes_late_begins_with_what_was_chosen(home):
    write_race(home, convnet(), steps=STEPS, epochs=10)
    page = open_page(home, at="60", q="0.25", explain="off", moment="mean", layer="layer3")
    page.run()
    assert [turned(page.slider, key).proto.default for key in ("at", "q")] == [[60], [0.25]]
    assert page.toggle(key="explain").proto.default is False
    layers = turned(page.selectbox, "layer").proto
    assert layers.options[layers.default] == "layer3"
    moments = next(one.proto for one in page.get("button_group") if one.key == "moment")
    assert [moments.options[at].content for at in moments.default] == ["mean"]
