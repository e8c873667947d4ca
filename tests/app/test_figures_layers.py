"""Figures of one layer: what is drawn is what the arrays say."""

import json

import numpy as np
import pytest

from app.figures.depth import PANELS, Profile, depth
from app.figures.errors import colors, shown, told
from app.figures.layer_belief import belief, curves
from app.figures.layer_gains import gains
from app.figures.layer_helped import Helped, helped
from app.figures.layer_replay import WhatIf, replay
from app.figures.multiples import sparse
from app.palette import inks, tokens
from bkn.experiment import Race
from bkn.replay import Moments
from bkn.snapshot import BINS, GAINS
from tests.app.fake_cache import unpacked
from tests.app.network_maps import convnet
from tests.app.snapshots import World, arrays, layout_of

RACE = Race.of(("batch", "group", "kalman"))
INK = inks(RACE)[2]


@pytest.fixture
def layer():
    """A layer of the Kalman entrant, with its layout."""
    layout = layout_of(convnet(), RACE, 2, World()).layers[3]
    found = arrays(layout, 0.5, True, World(), np.random.default_rng(1))
    return layout, {name: np.asarray(value, np.float32) for name, value in found.items()}


def draw_belief(layer, group=2, channel=4, replayed=None, **more):
    found = layer[1] | more
    drawn = curves(found, channel, group, True, replayed, 0.4)
    return drawn, belief(found, drawn, channel, group, INK, "What?", "r")


def test_each_belief_is_drawn_with_its_mean_and_deviation(layer):
    drawn, spec = draw_belief(layer)
    found = layer[1]
    assert [curve.key for curve in drawn] == [
        "truth", "running", "observation", "prior", "posterior",
    ]  # fmt: skip
    for curve, name in zip(drawn[2:], ("seen", "prior", "posterior"), strict=True):
        assert curve.mean == pytest.approx(found[f"{name}_mean"][2, 4])
        assert curve.deviation**2 == pytest.approx(found[f"{name}_var"][2, 4])
    for trace, curve in zip(spec["data"][-len(drawn) :], drawn, strict=True):
        x, y = unpacked(trace["x"]), unpacked(trace["y"])
        assert np.trapezoid(y, x) == pytest.approx(1, abs=0.01)
        assert np.trapezoid(x * y, x) == pytest.approx(curve.mean, abs=0.01)


def test_the_bars_are_the_truths_density(layer):
    _, spec = draw_belief(layer)
    bars = spec["data"][0]
    x, y = unpacked(bars["x"]), unpacked(bars["y"])
    share = layer[1]["histogram"][1:-1, 4]
    assert y * bars["width"] == pytest.approx(share, rel=1e-4)
    assert np.sum(x * share) == pytest.approx(layer[1]["truth_mean"][4] * share.sum(), abs=1e-3)
    assert len(x) == BINS


def test_values_beyond_the_bars_are_told(layer):
    histogram = np.full((BINS + 2, 32), 0.98 / BINS, np.float32)
    histogram[0], histogram[-1] = 0.005, 0.015
    _, spec = draw_belief(layer, histogram=histogram)
    assert spec["note"].startswith("2 % of the values")


def test_the_other_micro_batches_are_faint_and_the_picked_one_is_not_among_them(layer):
    _, spec = draw_belief(layer, group=2)
    faint = [trace for trace in spec["data"] if trace["meta"]["chips"] == ["others"]]
    assert len(faint) == 2
    middles = unpacked(faint[0]["x"]).reshape(7, -1)[:, 28]  # of each curve
    expected = np.delete(layer[1]["seen_mean"][:, 4], 2)
    assert middles == pytest.approx(expected, abs=1e-5)


def test_the_picture_reaches_what_matters_and_no_needle_dwarfs_it(layer):
    needle = layer[1]["posterior_var"].copy()
    needle[2, 4] = 1e-8
    drawn, spec = draw_belief(layer, posterior_var=needle)
    top, truth = spec["layout"]["yaxis"]["range"][1], drawn[0]
    assert top <= 3.2 * truth.peak
    low, high = spec["layout"]["xaxis"]["range"]
    assert low <= truth.mean - 4 * truth.deviation < truth.mean + 4 * truth.deviation <= high


def test_a_replayed_belief_is_drawn_dotted(layer):
    seen = layer[1]["seen_mean"]
    drawn, spec = draw_belief(layer, replayed=Moments(seen + 1.0, np.ones_like(seen)))
    assert drawn[-1].label == "if q = 0.40"
    assert drawn[-1].mean == pytest.approx(seen[2, 4] + 1)
    assert spec["data"][-1]["line"]["dash"] == "dot"


def test_a_dead_channel_has_nothing_to_draw(layer):
    _, spec = draw_belief(layer, truth_var=np.zeros(32, np.float32))
    assert "does not vary" in spec["empty"]


def test_gains_are_sorted_by_the_best_and_keep_their_channels(layer):
    layout, found = layer
    spec = gains(found, layout.kept, 4, INK, "r")
    bars, line = spec["data"][:2]
    best = unpacked(bars["y"])
    assert (np.diff(best) >= 0).all()
    for name, value in zip(bars["meta"]["picks"], best, strict=True):
        assert value == found["gain_oracle"][layout.kept.index(int(name))]
    assert set(unpacked(line["y"])) == {np.float32(0.1)}
    at = spec["layout"]["shapes"][0]["x0"] + 0.5
    assert bars["meta"]["picks"][int(at)] == str(layout.kept[4])


def test_who_helped_as_shares_and_ratios():
    layers = [
        Helped("a", (0.25, 0.25, 0.5), {"observation": 4.0, "prior": 1.0, "posterior": 16.0}),
        Helped("b", (0.0, 1.0, 0.0), {"observation": 1.0, "prior": 9.0, "posterior": 4.0}),
    ]
    spec = helped(layers, "mean", "b", INK, "r")
    bars = [unpacked(trace["y"]).tolist() for trace in spec["data"][:3]]
    assert bars == [[25, 0], [25, 100], [50, 0]]
    assert [unpacked(trace["y"]).tolist() for trace in spec["data"][3:]] == [[0.5, 3.0], [2.0, 2.0]]
    assert spec["label"] == "The blend beats both in 25 % of the channels."
    marks = [shape for shape in spec["layout"]["shapes"] if shape["type"] == "rect"]
    assert [mark["x0"] for mark in marks] == [1 - 0.48] * 2


def test_the_replay_marks_the_minimum_the_gain_in_use_and_the_chosen_one():
    errors = 1 + (np.array(GAINS) - 0.6) ** 2
    curve = WhatIf("var", np.array(GAINS), errors, 0.6, 0.1)
    spec = replay([curve], 0.325, INK, "layer3", "r")
    points = {t["name"]: (unpacked(t["x"])[0], unpacked(t["y"])[0]) for t in spec["data"][1:]}
    assert points["best"] == pytest.approx((0.6, 1.0))
    assert points["used"] == pytest.approx((0.1, 1.25))
    assert points["chosen"] == pytest.approx((0.325, (errors[6] + errors[7]) / 2))
    assert spec["layout"]["shapes"][0]["x0"] == 0.325
    assert "Open loop" in spec["note"]
    assert "nothing is blended" in replay([], 0.5, INK, "layer1", "r")["empty"].lower()


def test_depth_draws_every_method_in_its_colour_and_reads_squares_as_sizes():
    values = {name: np.array([1.0, 4.0]) for name, *_ in PANELS}
    spec = depth([Profile(p, inks(RACE)[p], values) for p in (0, 2)], ["a", "b"], tokens(RACE),
                 "gap", "b", "r")  # fmt: skip
    drawn = {(t["yaxis"], t["line"]["color"]): unpacked(t["y"]).tolist() for t in spec["data"]}
    assert len(drawn) == 2 * len(PANELS)
    assert drawn["y", "@e0"] == [1, 4]
    assert drawn["y3", "@e2"] == [1, 2]
    assert drawn["y6", "@e2"] == pytest.approx([np.e, np.exp(2)])
    assert spec["table"]["rows"][1][:3] == ["a", "Kalman norm", "1"]


def test_errors_read_as_factors_and_deviations():
    assert shown("var", np.log(3.0) ** 2) == pytest.approx(3)
    assert told("var", 3.0) == "×3.0"
    assert shown("mean", 0.25) == 0.5
    assert told("mean", 0.5) == "0.50 σ"
    assert told("mean", float("nan")) == "–"
    assert [stop for stop, _ in colors("var")][-1] == 1
    assert colors("mean")[0][0] == 0


def test_names_below_an_axis_leave_room_for_each_other():
    assert sparse(["a"] * 6, 400) == 1
    assert sparse(["layer3.2.bn1"] * 50, 400) >= 50 * 12 * 5 / 400


def test_all_figures_survive_json(layer):
    layout, found = layer
    _, spec = draw_belief(layer)
    for one in (spec, gains(found, layout.kept, 0, INK, "r")):
        text = json.dumps(one, allow_nan=False)
        assert json.dumps(json.loads(text)) == text
