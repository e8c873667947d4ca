"""The three filters on the same numbers, and the gain that innovations speak for."""

import numpy as np
import pytest
import torch

from app.figures.filter_three import three_filters
from app.kalman import averaged, chance, free
from app.kalman.filters import AUTHORS, FILTERS, ROWS, placed
from app.kalman.said import gains, origin
from app.kalman.settings import LINK
from app.kalman.three import table
from bkn import replay
from bkn.normalizers import adaptive, filtering
from bkn.normalizers.belief import Belief

WORLD = LINK | {"prior_mean": 0.5, "prior_var": 1.4}


def by_key(scene):
    return {one.key: one for one in placed(scene)}


def test_paper_and_code_differ_in_the_gain_alone():
    scene = free.scene(WORLD | {"q": 0.4})
    found = by_key(scene)
    assert found["paper"].posterior == scene.posterior
    torched = [Belief(*(torch.tensor(float(x)) for x in one)) for one in (scene.prior, scene.seen)]
    expected = filtering.update(*torched, AUTHORS)
    np.testing.assert_allclose(found["authors"].posterior, expected, rtol=1e-5)
    assert "q = 0.40" in found["paper"].label


def test_only_the_authors_code_has_the_guard():
    scene = free.scene(WORLD | {"prior_var": 200.0, "q": 0.4})
    found = by_key(scene)
    assert found["authors"].posterior == scene.seen
    assert "guard" in found["authors"].label
    assert found["paper"].posterior == replay.mixture(scene.prior, scene.seen, 0.4)


@pytest.fixture(scope="module")
def settled():
    """The layers' own adaptive gain after many steps with the prior of WORLD, 32 micro-batches."""
    gain, stream = adaptive.AdaptiveGain(1), np.random.default_rng(0)
    prior = Belief(
        torch.full((32, 1), WORLD["prior_mean"]), torch.full((32, 1), WORLD["prior_var"])
    )
    for _ in range(400):
        shown = chance_values(stream)
        seen = Belief(
            *(torch.tensor(one[:, None]).float() for one in (shown.mean(1), shown.var(1)))
        )
        gain.learn(gain.corrected(prior), seen)
    return gain, prior


def chance_values(stream):
    m, places, noise = WORLD["m"], WORLD["places"], WORLD["noise"]
    image = stream.standard_normal((32, m, 1))
    place = stream.standard_normal((32, m, places))
    return (np.sqrt(noise) * image + np.sqrt(1 - noise) * place).reshape(32, -1)


def test_the_adaptive_filter_ends_where_the_page_says(settled):
    gain, prior = settled
    corrected = gain.corrected(prior)
    scene = free.scene(WORLD)
    assert corrected.mean.mean() == pytest.approx(float(scene.truth.mean), abs=0.05)
    assert corrected.var.mean() == pytest.approx(float(scene.truth.var), rel=0.08)
    assert all(float(q) < 0.08 for q in gain())
    later = by_key(scene)["adaptive"].posterior
    assert abs(float(later.mean)) < 0.05


def test_its_least_gain_and_its_bounds_are_those_of_the_layers():
    assert (replay.FLOOR, replay.FARTHEST) == (adaptive.FLOOR, adaptive.FARTHEST)


@pytest.mark.parametrize("seed", [0, 1])
def test_innovations_speak_for_the_gain_that_the_layers_would_compute(seed):
    stream = torch.Generator().manual_seed(seed)
    draw = [torch.rand(16, 1, generator=stream, dtype=torch.float64) + 0.2 for _ in range(4)]
    prior, seen = Belief(*draw[:2]), Belief(*draw[2:])
    gap = (seen.mean - prior.mean) / prior.var.sqrt()
    around = seen.var / prior.var + gap.square()
    noise = gap.var(0), around.var(0)
    excess = (seen.var / prior.var).mean(0) + noise[0] - 1
    expected = [
        adaptive.share(adaptive.power(one, r / 16), r).clamp(adaptive.FLOOR, 1).item()
        for one, r in zip((gap.mean(0), excess), noise, strict=True)
    ]
    found = replay.innovation_gains(
        *(replay.moments(*(one[:, 0] for one in b)) for b in (prior, seen))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("prior_mean", [0.1, 0.4, 1.0])
def test_without_the_truth_it_comes_close_to_the_best_gain(prior_mean):
    settings = LINK | {"prior_mean": prior_mean, "prior_var": 1.0}
    best = averaged.curve(settings).best_mean
    truth = replay.moments(0.0, 1.0)
    many = chance.observations(truth, settings["noise"], settings["m"], settings["places"])
    prior = replay.moments(*np.full((2, len(many.mean)), [[prior_mean], [1.0]]))
    assert replay.innovation_gains(prior, many)[0] == pytest.approx(best, abs=0.03)


def test_a_perfect_prior_brings_the_gain_to_its_floor_and_silence_to_one():
    assert replay.share(-0.1, 0.5) == replay.FLOOR
    assert replay.share(0.0, 0.0) == 1.0
    assert replay.share(0.5, 0.5) == 0.5


def test_the_marks_and_their_words():
    scene = free.scene(WORLD)
    assert gains(scene) == {"in use": (0.3, 0.3), "adaptive": scene.suggested}
    assert "32 micro-batches" in origin(averaged.curve(WORLD), scene)


def test_every_filter_has_a_word_on_everything():
    html = table()
    for one in FILTERS.values():
        assert one.title.replace("'", "&#x27;") in html
        for field in ROWS:
            assert getattr(one, field)


def test_the_figure_has_a_row_for_each_with_its_deviation():
    scene = free.scene(WORLD)
    spec = three_filters(scene, placed(scene))
    assert len(spec["data"]) == 6
    truth = spec["data"][0]["x"]
    assert truth == [-1.0, 0.0, 1.0]
    low, high = spec["layout"]["xaxis"]["range"]
    assert all(low < x < high for trace in spec["data"] for x in trace["x"])
