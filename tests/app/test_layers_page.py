"""The Layers page without a browser: choices, link, history, empty states in words."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.layers import controls, scene
from bkn.experiment import Race
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from tests.app.network_maps import bottlenecks, convnet
from tests.app.snapshots import add_snapshots, write_race

ROOT = Path(__file__).resolve().parents[2]
STEPS = (0, 30, 60, 90, 120, 150, 180, 210)


def open_page(home: Path, run: str = "synthetic", **query: str) -> AppTest:
    """The page of a race in the store, as a link shows it."""
    st.cache_resource.clear()
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=30)
    page.switch_page(str(ROOT / "pages" / "layers.py"))
    for name, value in ({"run": run} | query).items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


@pytest.fixture
def page(home) -> AppTest:
    """A finished race of three methods with eight snapshots."""
    write_race(home, convnet(), steps=STEPS, epochs=10)
    return open_page(home)


def figure(page: AppTest, key: str) -> dict:
    """What a live figure was sent."""
    for element in page.get("bidi_component"):
        data = json.loads(element.proto.json)
        if data["key"] == key:
            return data
    raise AssertionError(f"no figure {key}")


def figures(page: AppTest) -> list[str]:
    return [json.loads(one.proto.json)["key"] for one in page.get("bidi_component")]


def said(page: AppTest) -> str:
    """All words that are no figure."""
    boxes = [*page.get("html"), *page.info, *page.warning, *page.error]
    return " ".join(str(getattr(box, "value", "") or box.proto.body) for box in boxes)


def test_the_worst_layer_and_its_worst_channel_come_first(page):
    assert page.session_state["layer"] == "layer6"
    assert "worst in <b>layer6</b>" in said(page)
    assert figures(page) == ["fig_map", "fig_belief", "fig_gains", "fig_helped", "fig_replay",
                             "fig_depth"]  # fmt: skip
    assert figure(page, "fig_belief")["title"] == (
        f"What does layer6 believe about channel {page.session_state['channel']}?"
    )
    assert page.button(key="worst").disabled


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({"entrant": "6"}, "entrant must be a position from 0 to 2 in this race, got 6"),
        ({"entrant": "1", "source": "prior"}, "Group norm has no prior to be judged"),
    ],
)
def test_what_a_link_asks_of_a_race_that_has_it_not_is_said(home, link, words):
    write_race(home, convnet(), steps=STEPS, epochs=10)
    page = open_page(home, **link)
    assert words in said(page)
    other = "layer2" if page.session_state["layer"] != "layer2" else "layer3"
    page.selectbox(key="layer").set_value(other).run()
    assert "In the link" not in said(page)


def test_another_layer_begins_with_its_own_worst_channel(page):
    before = page.session_state["channel"]
    page.selectbox(key="layer").set_value("layer2").run()
    assert page.session_state["channel"] < 16
    assert page.session_state["channel"] != before
    assert page.query_params["layer"] == "layer2"
    first = page.session_state["channel"]
    page.button(key="next").click().run()
    assert page.session_state["channel"] == (first + 1) % 16
    page.button(key="previous").click().run()
    page.button(key="previous").click().run()
    assert page.session_state["channel"] == (first - 1) % 16
    page.button(key="worst").click().run()
    assert page.session_state["channel"] == first
    page.selectbox(key="layer").set_value("layer1").run()  # as many channels, another worst one
    assert page.session_state["channel"] != first
    assert page.button(key="worst").disabled


def test_the_slider_snaps_to_the_nearest_snapshot_and_stands_in_the_link(page):
    assert "step 210 of 210" in said(page)
    assert "at" not in page.query_params
    page.slider(key="at").set_value(100).run()
    assert "step 90 of 210 · snapshot 4 of 8" in said(page)
    assert page.query_params["at"] == "100"


def test_a_thinned_run_keeps_the_slider_where_it_is(page, home):
    page.slider(key="at").set_value(100).run()
    with Writer(home / "runs.db") as writer, writer.transaction():
        for run in writer.run_ids("synthetic"):
            writer.drop_snapshots(run, [30, 90, 150])
    page.run()
    assert page.session_state["at"] == 100
    assert "step 120 of 210 · snapshot 3 of 5" in said(page)


def test_play_goes_through_the_snapshots_and_stops_at_the_end(page, monkeypatch):
    page.button(key="play").click().run()
    assert page.button(key="rest").label == "Pause"
    shown, query = ["step 0 of" in said(page)], page.query_params.get("at")
    monkeypatch.setattr(scene, "BEAT", 1e-9)  # every look is due
    for _ in STEPS:
        page.run()
        plays = "rest" in [button.key for button in page.button]
        assert page.query_params.get("at") == query or not plays
        shown.append(f"step {page.session_state['at']} of" in said(page))
    assert all(shown)
    assert page.button(key="play").label == "Play"
    assert "step 210 of 210" in said(page)


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
    assert state == {"at": 30}


def test_a_pause_stays_where_it_is(page):
    page.slider(key="at").set_value(60).run()
    page.button(key="play").click().run()
    assert page.slider(key="at_playing").disabled
    page.button(key="rest").click().run()
    assert page.button(key="play").label == "Play"
    assert page.slider(key="at").value >= 60
    assert f"step {page.slider(key='at').value} of" in said(page)


def test_the_right_end_of_the_slider_follows_a_running_race(home):
    write_race(home, convnet(), steps=(0, 30), status="running", epochs=10)
    page = open_page(home)
    assert "step 30 of 210 · snapshot 2 of 2 · latest" in said(page)
    with Writer(home / "runs.db") as writer, writer.transaction():
        race = Race.of(("batch", "group", "kalman"), epochs=10)
        add_snapshots(writer, "synthetic", race, convnet(), (60,))
    page.run()
    assert "step 60 of 210 · snapshot 3 of 3 · latest" in said(page)


def test_the_chosen_gain_is_replayed_and_drawn_with_the_beliefs(page):
    legend = [chip["id"] for chip in figure(page, "fig_belief")["spec"]["legend"]]
    assert "replay" not in legend
    assert "q" not in page.query_params
    page.slider(key="q").set_value(0.8).run()
    legend = [chip["id"] for chip in figure(page, "fig_belief")["spec"]["legend"]]
    assert "replay" in legend
    assert page.query_params["q"] == "0.8"
    assert figure(page, "fig_replay")["title"] == "What if the gain were 0.80?"


def test_a_method_without_a_prior_has_no_gain_to_show(page):
    page.selectbox(key="entrant").set_value(0).run()
    assert figures(page) == ["fig_map", "fig_belief", "fig_depth"]
    assert page.session_state["source"] == "observation"
    assert "micro-batch is worst in" in said(page)


def test_a_method_without_beliefs_shows_truth_and_output(page):
    page.selectbox(key="entrant").set_value(1).run()
    assert figures(page) == ["fig_map", "fig_belief", "fig_depth"]
    legend = [chip["id"] for chip in figure(page, "fig_belief")["spec"]["legend"]]
    assert legend == ["bars", "truth"]
    assert "leaves" in said(page)
    assert "holds no belief" in said(page)


def test_the_first_layer_has_no_prior(home):
    write_race(home, convnet(), steps=STEPS)
    page = open_page(home, layer="layer1")
    assert "This layer has no prior: no layer below holds a belief." in said(page)
    assert "nothing to blend" in figure(page, "fig_gains")["spec"]["empty"]


def test_a_link_is_a_view(home):
    write_race(home, convnet(), steps=STEPS, epochs=10)
    page = open_page(home, layer="layer3", channel="7", at="60", q="0.25", moment="mean",
                     source="prior", group="3", explain="off")  # fmt: skip
    state = page.session_state
    seen = [state[key] for key in ("layer", "channel", "at", "q", "moment", "source", "group")]
    assert seen == ["layer3", 7, 60, 0.25, "mean", "prior", 3]
    assert not page.toggle(key="explain").value
    assert not page.warning
    assert {name: page.query_params[name] for name in ("layer", "at", "q", "explain")} == {
        "layer": "layer3", "at": "60", "q": "0.25", "explain": "off",
    }  # fmt: skip


def test_a_wrong_link_is_said_in_words_and_the_page_works(home):
    write_race(home, convnet(), steps=STEPS, epochs=10)
    page = open_page(home, layer="nonsense", channel="999", q="7", at="soon", colour="red")
    told = page.warning[0].value
    for words in (
        "no layer 'nonsense'", "q must be a number from 0 to 1, got '7'",
        "at must be a step, got 'soon'", "'colour', which this page does not know",
    ):  # fmt: skip
        assert words in told
    assert page.session_state["layer"] == "layer6"
    page.selectbox(key="layer").set_value("layer2").run()
    assert not page.warning


def test_an_unknown_race_in_the_link_is_said(home):
    page = open_page(home, run="unheard")
    assert "this lab knows no race 'unheard'" in page.warning[0].value


def test_a_snapshot_that_is_thinned_away_while_it_is_read_gives_way_to_its_neighbour(
    page, home, monkeypatch
):
    real, gone = Reader.snapshot_steps, [True]

    def racing(self, run_id):
        steps = real(self, run_id)
        return sorted([*steps, 100]) if gone and gone.pop() else steps

    monkeypatch.setattr(Reader, "snapshot_steps", racing)
    page.slider(key="at").set_value(100).run()
    assert not page.exception
    assert not gone
    assert "step 90 of 210 · snapshot 4 of 8" in said(page)


def test_a_channel_that_is_not_recorded_is_said(home):
    write_race(home, convnet(), steps=STEPS)
    page = open_page(home, layer="layer2", channel="999")
    assert "layer 'layer2' has no snapshots of a channel 999" in page.warning[0].value


@pytest.mark.parametrize(
    ("probe", "words"),
    [("light", "was probed lightly"), ("off", "was not probed"), ("full", "ended before")],
)
def test_a_race_without_snapshots_says_why(home, probe, words):
    write_race(home, convnet(), steps=(), probe=probe)
    page = open_page(home)
    assert words in said(page)
    assert figures(page) == []


def test_a_race_without_a_map_still_shows_its_layers(home):
    path = write_race(home, convnet(), steps=STEPS)
    with Writer(path) as writer, writer.transaction():
        writer.db.execute("DELETE FROM document WHERE name='network'")
    page = open_page(home)
    assert "recorded no map" in said(page)
    assert "fig_map" not in figures(page)
    assert "fig_belief" in figures(page)


def test_fifty_layers_are_drawn(home):
    write_race(home, bottlenecks(), ("batch", "kalman"), steps=(0, 30))
    page = open_page(home, layer="layer3.2.bn2", channel="89")
    assert figure(page, "fig_map")["spec"]["data"][3]["meta"]["picks"].count("layer3.2.bn2") == 1
    assert page.session_state["channel"] == 89


def test_choices_survive_a_look_at_another_page(page):
    page.selectbox(key="layer").set_value("layer3").run()
    page.slider(key="at").set_value(60).run()
    page.slider(key="q").set_value(0.3).run()
    page.switch_page(str(ROOT / "pages" / "methods.py")).run()
    page.switch_page(str(ROOT / "pages" / "layers.py")).run()
    assert not page.exception
    assert [page.session_state[key] for key in ("layer", "at", "q")] == ["layer3", 60, 0.3]


def test_the_race_page_still_opens_behind_it(page):
    page.switch_page(str(ROOT / "pages" / "race.py")).run()
    assert not page.exception
    assert not page.warning
