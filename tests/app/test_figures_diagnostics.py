"""Figures of a diagnosis: what is drawn, in which colours, and what is said where nothing is."""

import math

import numpy as np
import pytest

from app.figures import diagnostics
from app.figures.by_layer import MOST_NAMES, by_layer
from app.figures.diagnosis_words import fisher_words, noise_words
from app.palette import inks
from bkn.experiment import Race
from bkn.store.records import EventRow
from tests.app.fake_cache import FakeCache, unpacked

RACE = Race.of(["batch", "group", "kalman"])
LAYERS = [f"layer{i}" for i in range(1, 7)]
EVERY = (
    diagnostics.profile,
    diagnostics.gradient,
    diagnostics.sign_agreement,
    diagnostics.tails,
    diagnostics.gradient_histogram,
    diagnostics.loss_along_gradient,
)


def report(run=0, layers=LAYERS, **changes):
    """As `bkn.diagnose` gives it, with plain numbers."""
    moments = {"mean": 0.1, "mean_spread": 0.2, "var": 2.0, "var_spread": 5.0}
    edges = np.linspace(-8, 8, 5).tolist()
    return {
        "run": run,
        "step": 40,
        "lr": 0.02,
        "lr_peak": 0.05,
        "images": 64,
        "micro_batch": 2,
        "skipped": [],
        "profile": [
            {"layer": layer, "input": moments | {"var": 2.0**i}, "output": moments,
             "gradient_norm": 1.0, "gradient_rms": 10.0**-i}
            for i, layer in enumerate(layers)
        ],
        "sign_agreement": [
            {"layer": f"{layer}.conv", "ratio": 3.0 + i + run, "terms": 4096 // 4**i}
            for i, layer in enumerate(layers)
        ],
        "tails": [
            {"layer": f"{layer}.conv", "tail": 6.0 + run, "kurtosis": 4.0,
             "histogram": [0.0, 0.4 + i / 100, 0.6 - i / 100, 0.0]}
            for i, layer in enumerate(layers)
        ],
        "tail_edges": edges,
        "loss_along_gradient": {"sizes": [0.01, 0.1, 1.0], "ratio": [0.9, 0.7, None]},
        "noise": {"micro_batch": 2, "of_step": 0.5, "squared": 2.0},
        "fisher": {"lambda_max": 38.0, "bound": 0.1, "iterations": 12, "converged": True},
    } | changes  # fmt: skip


def drawn(spec, position):
    """The trace of an entrant."""
    chips = f"e{position}"
    (trace,) = [one for one in spec["data"] if one["meta"].get("chips") == [chips]]
    return trace


@pytest.mark.parametrize("figure", EVERY)
def test_every_entrant_has_its_colour_dash_and_column(figure):
    spec = figure([report(0), report(2)], RACE)
    for position in (0, 2):
        ink, trace = inks(RACE)[position], drawn(spec, position)
        assert trace["line"]["color"] == f"@e{position}"
        assert trace["line"]["dash"] == ink.dash
        assert ink.label in spec["table"]["columns"]
        assert f"e{position}" in {chip["id"] for chip in spec["legend"]}
    assert not spec.get("empty")
    assert spec["title"].endswith("?")
    assert spec["meaning"].endswith("Measured at step 40.")
    assert all(len(row) == len(spec["table"]["columns"]) for row in spec["table"]["rows"])


@pytest.mark.parametrize("figure", EVERY)
def test_without_a_report_or_its_part_the_reason_is_told(figure):
    assert figure([], RACE)["empty"] == "Nothing was measured yet."
    part = {
        "profile": "profile",
        "gradient": "profile",
        "sign_agreement": "sign_agreement",
        "tails": "tails",
        "gradient_histogram": "tails",
        "loss_along_gradient": "loss_along_gradient",
    }[figure.__name__]
    one = report(skipped=[part])
    del one[part]
    assert "too long" in figure([one], RACE)["empty"]
    assert not figure([one, report(1)], RACE).get("empty")


def test_the_profile_shows_the_variances_in_front_of_the_norms_and_how_channels_differ():
    spec = diagnostics.profile([report()], RACE)
    trace = drawn(spec, 0)
    np.testing.assert_allclose(unpacked(trace["y"]), [2.0**i for i in range(6)])
    assert spec["layout"]["yaxis"]["type"] == "log"
    assert spec["layout"]["xaxis"]["ticktext"] == LAYERS
    assert trace["error_y"]["array"] == [5.0] * 6
    # on a logarithmic scale a bar ends above zero
    assert trace["error_y"]["arrayminus"] == pytest.approx([0.9, 1.8, 3.6, 5.0, 5.0, 5.0])
    low, high = spec["layout"]["yaxis"]["range"]
    assert low < math.log10(0.1)
    assert high > math.log10(37.0)


def test_the_profile_of_means_is_linear():
    spec = diagnostics.profile([report()], RACE, "mean")
    np.testing.assert_allclose(unpacked(drawn(spec, 0)["y"]), 0.1, rtol=1e-6)
    assert "type" not in spec["layout"]["yaxis"]
    assert spec["layout"]["yaxis"]["range"][0] < -0.1


def test_layers_that_only_one_entrant_has_leave_a_gap_for_the_other():
    spec = diagnostics.gradient([report(0), report(1, LAYERS[:3])], RACE)
    short = unpacked(drawn(spec, 1)["y"])
    assert np.isnan(short).tolist() == [False] * 3 + [True] * 3
    assert spec["table"]["rows"][4] == ["layer5", "0.0001", "–"]


def test_signs_are_held_against_random_ones():
    spec = diagnostics.sign_agreement([report()], RACE)
    (random,) = [one for one in spec["data"] if one["meta"].get("chips") == ["reference"]]
    expected = [math.sqrt(math.pi * (4096 // 4**i) / 2) for i in range(6)]
    np.testing.assert_allclose(unpacked(random["y"]), expected, rtol=1e-6)
    assert random["line"]["dash"] == "dot"


def test_tails_are_held_against_a_gaussian():
    spec = diagnostics.tails([report()], RACE)
    (gaussian,) = [one for one in spec["data"] if one["meta"].get("chips") == ["reference"]]
    np.testing.assert_allclose(unpacked(gaussian["y"]), 3.2905 / 0.6745, rtol=0.01)


def test_the_histogram_is_of_the_middle_layer_or_the_one_asked_for():
    spec = diagnostics.gradient_histogram([report()], RACE)
    assert spec["title"] == "How are gradients spread in layer4.conv?"
    shares = unpacked(drawn(spec, 0)["y"])
    np.testing.assert_allclose(shares, [np.nan, 0.43, 0.57, np.nan], rtol=1e-6)
    np.testing.assert_allclose(unpacked(drawn(spec, 0)["x"]), [-6, -2, 2, 6])
    first = diagnostics.gradient_histogram([report()], RACE, "layer1.conv")
    assert unpacked(drawn(first, 0)["y"])[1] == pytest.approx(0.4)


def test_the_loss_along_the_gradient_has_gaps_where_it_exploded_and_the_rate_of_now():
    spec = diagnostics.loss_along_gradient([report()], RACE)
    np.testing.assert_allclose(unpacked(drawn(spec, 0)["y"]), [0.9, 0.7, np.nan], rtol=1e-6)
    assert spec["layout"]["xaxis"]["range"] == pytest.approx([-2, 0])
    (rate,) = [one for one in spec["data"] if one["meta"].get("chips") == ["lr"]]
    np.testing.assert_allclose(unpacked(rate["x"]), 0.02, rtol=1e-6)
    assert spec["table"]["rows"][2] == ["1", "–"]


def test_the_steps_of_all_reports_are_told():
    spec = diagnostics.profile([report(0), report(1, step=70)], RACE)
    assert spec["meaning"].endswith("Measured at step 40 and 70.")


def test_names_of_many_layers_are_sparse():
    many = {f"layer{i}": 1.0 for i in range(60)}
    frame = by_layer(RACE, {0: many})["layout"]["xaxis"]
    assert len(frame["tickvals"]) == len(frame["ticktext"]) <= MOST_NAMES
    assert frame["range"] == [0.5, 60.5]


def test_nothing_finite_is_told():
    nothing = by_layer(RACE, {0: dict.fromkeys(LAYERS, math.nan)})
    assert nothing["empty"] == "Nothing here is finite at these weights."


def test_the_newest_report_of_every_entrant_counts():
    cache = FakeCache(RACE)
    for step, run in ((10, 2), (10, 0), (30, 2)):
        cache.events.append(EventRow(9, step, 0.0, "diagnosis", report(run, step=step)))
    cache.event(40, "lr", value=0.1)
    assert [(one["run"], one["step"]) for one in diagnostics.latest(cache)] == [(0, 10), (2, 30)]


# In words


@pytest.mark.parametrize(
    ("lr", "verdict"), [(0.02, "safely below it"), (0.08, "close to it"), (0.3, "above it")]
)
def test_the_rate_in_use_is_held_against_the_bound(lr, verdict):
    words = fisher_words(report(lr=lr))
    assert "a learning rate above 0.1 would overshoot" in words
    assert words.endswith(f"the race now uses {lr}, {verdict}.")


@pytest.mark.parametrize(
    ("fisher", "words"),
    [
        ({"lambda_max": 38.0, "bound": 0.1, "iterations": 200, "converged": False},
         "still rising after 200 iterations: the true limit is lower"),
        ({"lambda_max": 0.0, "bound": None, "iterations": 1, "converged": True},
         "no learning rate is too high"),
        ({"lambda_max": None, "bound": None, "iterations": 1, "converged": False},
         "not finite at these weights"),
    ],
)  # fmt: skip
def test_odd_eigenvalues_are_told_as_they_are(fisher, words):
    assert words in fisher_words(report(fisher=fisher))


def test_what_was_left_out_is_said():
    one = report()
    del one["fisher"], one["noise"]
    assert "left out" in fisher_words(one)
    assert noise_words(one) == ""


def test_noise_in_words():
    assert noise_words(report()).startswith("About 25.0 % of the squared gradient of a step of 64")
    alone = {"micro_batch": 64, "of_step": None, "squared": 2.0}
    assert noise_words(report(noise=alone)) == ""


def test_real_reports_can_be_drawn():
    from bkn import diagnose
    from tests.diagnostics.nets import trained

    subject = trained("kalman")[1]
    real = diagnose(subject.model, subject.x, subject.y)
    real |= {"run": 2, "step": 2, "lr": 0.05, "lr_peak": 0.05}
    for figure in EVERY:
        assert not figure([real], RACE).get("empty")
    assert "learning rate above" in fisher_words(real)
