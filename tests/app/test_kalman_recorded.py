"""The filter on a recorded layer: what is picked, shown, and what the race does not have."""

import json

import numpy as np
import pytest

from app.figures import filter_keys
from app.figures.filter_story import story
from app.kalman import equations, recorded, said
from app.kalman.steps import update
from bkn.experiment import Experiment
from bkn.replay import UPDATES
from bkn.snapshot import GAINS
from tests.app import network_maps, snapshots
from tests.app.reading import said as alerts
from tests.app.reading import turned
from tests.app.test_kalman_page import formulas, link

NETWORK = network_maps.convnet((4, 4, 6), size=4)
EXPERIMENT = Experiment(method="kalman")


def world(off=0.3, gain=0.1):
    """Layouts and arrays of one snapshot of Kalman norm."""
    made = snapshots.World(gain=gain)
    from bkn.experiment import Race

    layout = snapshots.layout_of(NETWORK, Race.of(["kalman"]), 0, made)
    rng = np.random.default_rng(0)
    arrays = {
        layer.label: snapshots.arrays(layer, off * k, True, made, rng)
        for k, layer in enumerate(layout.layers)
    }
    return layout, arrays


def scene(label="layer2", group=2, index=1, experiment=EXPERIMENT, **more):
    layout, arrays = world(**more)
    return recorded.scene(arrays, layout.layer(label), index, group, experiment, ("layer1",))


def test_a_scene_holds_what_was_recorded():
    layout, arrays = world()
    one, own = scene(), arrays["layer2"]
    assert one.prior.mean == own["prior_mean"][2, 1]
    assert one.seen.var == own["seen_var"][2, 1]
    assert one.posterior.var == own["posterior_var"][2, 1]
    assert one.truth.mean == own["truth_mean"][1]
    assert (one.gain, one.m, one.places) == (0.1, 2, layout.layer("layer2").places)


def test_the_recorded_posterior_is_the_update_of_prior_and_observation():
    one = scene()
    again = UPDATES[one.rule](one.prior, one.seen, one.gain, one.var_gain)
    np.testing.assert_allclose(again.mean, one.posterior.mean)
    np.testing.assert_allclose(again.var, one.posterior.var)


def test_the_first_layer_has_no_prior_and_no_curve():
    layout, arrays = world()
    one = scene("layer1")
    assert one.prior is None
    assert not one.blended
    assert recorded.curve(layout.layer("layer1"), arrays["layer1"], 0) is None


def test_a_gain_of_one_in_force_means_that_the_guard_tripped_unless_it_was_asked_for():
    layout, arrays = world()
    for name in ("gain", "var_gain"):
        arrays["layer2"][name] = np.ones(4)
    tripped = recorded.scene(arrays, layout.layer("layer2"), 0, 0, EXPERIMENT)
    assert tripped.guarded
    assert "The guard set the prior aside" in update(tripped)
    asked = recorded.scene(
        arrays, layout.layer("layer2"), 0, 0, Experiment(method="kalman", options={"gain": 1.0})
    )
    assert asked.set_aside
    assert not asked.guarded
    assert "The gain is set to 1" in update(asked)
    assert "guard" not in str(story(asked)["story"])


def test_an_adaptive_filter_has_two_gains_and_a_prior_without_its_bias():
    layout, arrays = world()
    arrays["layer2"]["var_gain"] = np.full(4, 0.4)
    option = {"gain": "adaptive"}
    one = recorded.scene(
        arrays, layout.layer("layer2"), 0, 0, Experiment(method="kalman", options=option), ()
    )
    assert one.own_past
    assert one.corrected
    assert one.suggested is None
    assert "0.10 for the mean, 0.40 for the variance" in update(one)
    assert r"q_\sigma" in " ".join(equations.update(one))


def test_beliefs_of_the_layer_below_are_shown_only_where_they_were_handed_on():
    assert len(scene().below.beliefs) == 4
    other = Experiment(method="kalman", options={"transition": "normalized"})
    assert scene(experiment=other).below is None


def test_the_curve_is_the_replayed_one_of_the_channel():
    layout, arrays = world()
    curve = recorded.curve(layout.layer("layer2"), arrays["layer2"], 3)
    np.testing.assert_array_equal(curve.gains, GAINS)
    np.testing.assert_allclose(curve.var, arrays["layer2"]["var_curve"][:, 3])
    assert curve.best_mean == arrays["layer2"]["gain_oracle"][3]
    assert "32 micro-batches" in curve.origin


def test_a_layer_below_keeps_a_scale_of_its_own_within_the_picture():
    one = scene()
    size = filter_keys.frame(one)
    for belief in one.below.beliefs:
        x = filter_keys.on_shelf(belief, size).x
        assert size.low - 0.2 * (size.high - size.low) < x.min()
        assert x.max() < size.high + 0.2 * (size.high - size.low)


def test_the_truth_is_drawn_as_it_lies():
    one = scene()
    line = filter_keys.bars(one, filter_keys.frame(one))
    area = (np.diff(line.x) * (line.y[1:] + line.y[:-1]) / 2).sum()
    assert area == pytest.approx(1, abs=0.01)
    assert story(one)["data"][0]["fill"] == "tozeroy"


def test_the_layers_that_feed_a_layer_are_the_nearest_below_it():
    feeds = recorded.feeds(NETWORK.to_json())
    assert feeds == {"layer1": (), "layer2": ("layer1",), "layer3": ("layer2",)}
    deep = recorded.feeds(network_maps.bottlenecks((2,), width=4).to_json())
    assert set(deep["layer1.1.bn1"]) == {"layer1.0.bn3", "layer1.0.down.norm"}
    assert deep["layer1.0.bn2"] == ("layer1.0.bn1",)


def test_a_loop_free_walk_back_names_each_layer_once():
    nodes = [{"id": n, "label": "a" if n == 0 else "b" if n == 3 else ""} for n in range(4)]
    edges = [[0, 1], [0, 2], [1, 3], [2, 3]]
    assert recorded.feeds(json.dumps({"nodes": nodes, "edges": edges}))["b"] == ("a",)


@pytest.fixture
def recorded_page(open_page, supervisor, tmp_path):
    """Open the page on a synthetic race of batch, group and Kalman norm."""
    snapshots.write_race(tmp_path, NETWORK, race_id="synthetic")

    def open_it(**url):
        return open_page("kalman", source="recorded", race="synthetic", **url)

    return open_it


def html(page):
    """All words in the page's HTML."""
    return " ".join(one.proto.body for one in page.get("html"))


def test_the_page_shows_the_recorded_update(recorded_page):
    page = recorded_page(layer="layer2", channel="1", group="3", at="60")
    assert "Kalman norm, layer2, channel 1, micro-batch 3, after step 60 of" in html(page)
    assert "0.90" in formulas(page)
    assert not page.slider
    assert link(page) == {
        "source": "recorded", "race": "synthetic", "layer": "layer2", "channel": "1",
        "group": "3", "at": "60",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("recorded_layer", "layer3", "layer3"),
        ("recorded_channel", "3", "channel 3,"),
        ("recorded_group", "5", "micro-batch 5"),
        ("recorded_entrant", "0", "Batch norm"),
    ],
)
def test_a_choice_changes_what_is_shown_and_stands_in_the_link(recorded_page, key, value, words):
    page = recorded_page()
    turned(page.selectbox, key).set_value(value).run()
    assert not page.exception
    assert words in html(page)
    assert link(page)[key.removeprefix("recorded_")] == value


def test_the_slider_goes_through_the_snapshots_and_the_channel_stays(recorded_page):
    page = recorded_page()
    channel = turned(page.selectbox, "recorded_channel").value
    turned(page.select_slider, "recorded_at").set_value("30").run()
    assert "after step 30" in html(page)
    assert link(page)["at"] == "30"
    assert turned(page.selectbox, "recorded_channel").value == channel


def test_the_step_is_the_nearest_that_was_recorded(recorded_page):
    assert "after step 30 " in html(recorded_page(at="37"))


def test_the_first_layer_says_that_it_has_no_prior(recorded_page):
    page = recorded_page(layer="layer1")
    assert "it has no prior" in html(page)
    assert any("nothing to weigh" in one.value for one in page.info)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ({"layer": "layer9"}, "layer must be one of layer1, layer2, layer3, got 'layer9'"),
        ({"channel": "99"}, "channel must be one of 0, 1, 2, 3, got '99'"),
        ({"group": "0"}, "group must be one of 1, 2"),
        ({"entrant": "1"}, "entrant must be one of 0, 2, got '1'"),
        ({"at": "late"}, "at must be a step, a whole number from 0, got 'late'"),
    ],
)
def test_what_the_race_does_not_have_is_said(recorded_page, url, words):
    assert words in alerts(recorded_page(**url))


def test_an_unknown_race_is_said_and_gives_way(open_page):
    page = open_page("kalman", source="recorded", race="nonsense")
    assert "this lab knows no race 'nonsense'" in alerts(page)


def test_a_race_without_snapshots_says_how_to_get_some(open_page, supervisor):
    from bkn.experiment import Race

    race_id = supervisor.start(Race.of(["kalman"]))
    page = open_page("kalman", source="recorded", race=race_id)
    assert any("probe at full" in one.value for one in page.info)


def test_back_to_the_sliders(recorded_page):
    page = recorded_page()
    turned(page.segmented_control, "numbers_from").set_value("free").run()
    assert turned(page.slider, "filter_q").value == 0.3
    assert "source" not in link(page)


def test_the_sentence_names_the_nearest():
    one = scene()
    assert "The true mean is missed by the" in said.outcome(one)
