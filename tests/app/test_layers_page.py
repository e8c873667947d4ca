"""The Layers page without a browser: choices, link, empty states in words."""

import pytest
from streamlit.testing.v1 import AppTest

from bkn.store.writer import Writer
from tests.app.layers_page import ROOT, STEPS, open_page, said
from tests.app.network_maps import bottlenecks, convnet
from tests.app.reading import sent, turned
from tests.app.snapshots import write_race


@pytest.fixture
def page(home) -> AppTest:
    """A finished race of three methods with eight snapshots."""
    write_race(home, convnet(), steps=STEPS, epochs=10)
    return open_page(home)


def test_the_worst_layer_and_its_worst_channel_come_first(page):
    assert turned(page.selectbox, "layer").value == "layer6"
    assert "worst in <b>layer6</b>" in said(page)
    assert list(sent(page)) == ["fig_map", "fig_belief", "fig_gains", "fig_helped", "fig_replay",
                             "fig_depth"]  # fmt: skip
    channel = turned(page.selectbox, "channel").value
    title = f"What does layer6 believe about channel {channel}?"
    assert sent(page)["fig_belief"]["title"] == title
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
    other = "layer2" if turned(page.selectbox, "layer").value != "layer2" else "layer3"
    turned(page.selectbox, "layer").set_value(other).run()
    assert "In the link" not in said(page)


def test_another_layer_begins_with_its_own_worst_channel(page):
    before = turned(page.selectbox, "channel").value
    turned(page.selectbox, "layer").set_value("layer2").run()
    assert turned(page.selectbox, "channel").value < 16
    assert turned(page.selectbox, "channel").value != before
    assert page.query_params["layer"] == "layer2"
    first = turned(page.selectbox, "channel").value
    page.button(key="next").click().run()
    assert turned(page.selectbox, "channel").value == (first + 1) % 16
    page.button(key="previous").click().run()
    page.button(key="previous").click().run()
    assert turned(page.selectbox, "channel").value == (first - 1) % 16
    page.button(key="worst").click().run()
    assert turned(page.selectbox, "channel").value == first
    turned(page.selectbox, "layer").set_value("layer1").run()  # as many channels, another worst one
    assert turned(page.selectbox, "channel").value != first
    assert page.button(key="worst").disabled


def test_the_chosen_gain_is_replayed_and_drawn_with_the_beliefs(page):
    legend = [chip["id"] for chip in sent(page)["fig_belief"]["spec"]["legend"]]
    assert "replay" not in legend
    assert "q" not in page.query_params
    page.slider(key="q").set_value(0.8).run()
    legend = [chip["id"] for chip in sent(page)["fig_belief"]["spec"]["legend"]]
    assert "replay" in legend
    assert page.query_params["q"] == "0.8"
    assert sent(page)["fig_replay"]["title"] == "What if the gain were 0.80?"


def test_a_method_without_a_prior_has_no_gain_to_show(page):
    turned(page.selectbox, "entrant").set_value(0).run()
    assert list(sent(page)) == ["fig_map", "fig_belief", "fig_depth"]
    assert turned(page.segmented_control, "source").value == "observation"
    assert "micro-batch is worst in" in said(page)


def test_a_method_without_beliefs_shows_truth_and_output(page):
    turned(page.selectbox, "entrant").set_value(1).run()
    assert list(sent(page)) == ["fig_map", "fig_belief", "fig_depth"]
    legend = [chip["id"] for chip in sent(page)["fig_belief"]["spec"]["legend"]]
    assert legend == ["bars", "truth"]
    assert "leaves" in said(page)
    assert "holds no belief" in said(page)


def test_the_first_layer_has_no_prior(home):
    write_race(home, convnet(), steps=STEPS)
    page = open_page(home, layer="layer1")
    assert "This layer has no prior: no layer below holds a belief." in said(page)
    assert "nothing to blend" in sent(page)["fig_gains"]["spec"]["empty"]


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
    assert turned(page.selectbox, "layer").value == "layer6"
    turned(page.selectbox, "layer").set_value("layer2").run()
    assert not page.warning


def test_an_unknown_race_in_the_link_is_said(home):
    page = open_page(home, run="unheard")
    assert "this lab knows no race 'unheard'" in page.warning[0].value


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
    assert list(sent(page)) == []


def test_a_race_without_a_map_still_shows_its_layers(home):
    path = write_race(home, convnet(), steps=STEPS)
    with Writer(path) as writer, writer.transaction():
        writer.db.execute("DELETE FROM document WHERE name='network'")
    page = open_page(home)
    assert "recorded no map" in said(page)
    assert "fig_map" not in list(sent(page))
    assert "fig_belief" in list(sent(page))


def test_fifty_layers_are_drawn(home):
    write_race(home, bottlenecks(), ("batch", "kalman"), steps=(0, 30))
    page = open_page(home, layer="layer3.2.bn2", channel="89")
    assert sent(page)["fig_map"]["spec"]["data"][3]["meta"]["picks"].count("layer3.2.bn2") == 1
    assert turned(page.selectbox, "channel").value == 89


def test_choices_survive_a_look_at_another_page(page):
    turned(page.selectbox, "layer").set_value("layer3").run()
    turned(page.slider, "at").set_value(60).run()
    page.slider(key="q").set_value(0.3).run()
    page.switch_page(str(ROOT / "pages" / "methods.py")).run()
    page.switch_page(str(ROOT / "pages" / "layers.py")).run()
    assert not page.exception
    assert turned(page.selectbox, "layer").value == "layer3"
    assert [turned(page.slider, key).value for key in ("at", "q")] == [60, 0.3]


def test_the_race_page_still_opens_behind_it(page):
    page.switch_page(str(ROOT / "pages" / "race.py")).run()
    assert not page.exception
    assert not page.warning
