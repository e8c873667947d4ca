"""The Kalman page's arithmetic: against the layers' own functions, and against counting."""

import re

import numpy as np
import pytest
import torch

from app.kalman import averaged, chance, equations, free
from app.kalman.settings import FREE, LINK, read, write
from bkn import replay
from bkn.moments.rectified import rectified
from bkn.normalizers import filtering
from bkn.normalizers.belief import Belief

SETTINGS = dict(LINK)
ODD = SETTINGS | {
    "prior_mean": -0.4, "prior_var": 0.5, "noise": 0.4, "m": 4, "places": 9, "truth_mean": 0.3,
    "truth_var": 2.0,
}  # fmt: skip


def torched(moments):
    """The same moments as the layers have them."""
    return Belief(*(torch.tensor([[float(one)]], dtype=torch.float64) for one in moments))


@pytest.mark.parametrize(("mean", "var"), [(0.5, 1.0), (-2.0, 0.3), (3.0, 4.0)])
def test_the_rectified_normal_is_that_of_the_layers(mean, var):
    expected = rectified(*(torch.tensor(one, dtype=torch.float64) for one in (mean, var)))
    found = replay.rectified(mean, var)
    np.testing.assert_allclose(found.mean, expected[0], rtol=1e-10)
    np.testing.assert_allclose(found.var, expected[1], rtol=1e-9)


@pytest.mark.parametrize("ratio", [99.9, 100.1, np.nan])
def test_the_guard_is_that_of_the_layers(ratio):
    prior, seen = replay.moments([0.0, 0.0], [ratio, ratio]), replay.moments([1.0, 1.0], [1.0, 1.0])
    layers = [Belief(*map(torch.tensor, one)) for one in (prior, seen)]
    used = float(filtering.guarded(*layers, 0.25)[1]) == 0.25
    assert replay.usable(prior, seen) == used == (ratio < 100)
    assert replay.GUARD == filtering.GUARD


def test_an_observation_without_variance_sets_the_prior_aside():
    assert not replay.usable(replay.moments(0.0, 1.0), replay.moments(0.0, 0.0))


@pytest.mark.parametrize("q", [0.0, 0.3, 1.0])
def test_the_posterior_is_the_update_of_the_layers(q):
    scene = free.scene(ODD | {"q": q})
    expected = filtering.update(torched(scene.prior), torched(scene.seen), q)
    np.testing.assert_allclose(scene.posterior.mean, expected.mean.item(), rtol=1e-12)
    np.testing.assert_allclose(scene.posterior.var, expected.var.item(), rtol=1e-12)


def test_the_observation_is_what_the_images_show():
    scene = free.scene(ODD)
    assert scene.values.shape == (4, 9)
    assert (scene.seen.mean, scene.seen.var) == (scene.values.mean(), scene.values.var())


def test_the_layer_below_makes_exactly_this_prior():
    prior = replay.moments(-1.3, 0.7)
    below = free.below(prior)
    passed = replay.rectified(float(free.BELIEF.mean), float(free.BELIEF.var))
    np.testing.assert_allclose(below.total * passed.mean, prior.mean)
    np.testing.assert_allclose(below.squares * passed.var, prior.var)


def test_a_prior_a_hundred_times_too_wide_is_set_aside():
    scene = free.scene(SETTINGS | {"prior_var": 200.0, "q": 0.1})
    assert scene.set_aside
    assert scene.gain == 1.0
    assert scene.posterior == scene.seen


def test_images_stay_themselves_while_more_are_dealt():
    few, many = (free.scene(SETTINGS | {"m": m}).values for m in (2, 8))
    np.testing.assert_array_equal(few, many[:2])
    assert not np.array_equal(few, free.scene(SETTINGS | {"draw": 1}).values)


def pooled(settings, count=4000):
    """Means and variances of many micro-batches, counted image by image."""
    stream = np.random.default_rng(1)
    m, places, noise = settings["m"], settings["places"], settings["noise"]
    image = stream.standard_normal((count, m, 1))
    place = stream.standard_normal((count, m, places))
    x = np.sqrt(noise) * image + np.sqrt(1 - noise) * place
    x = settings["truth_mean"] + np.sqrt(settings["truth_var"]) * x.reshape(count, -1)
    return replay.moments(x.mean(1), x.var(1))


def test_the_noise_of_the_mean_is_that_of_drawn_images():
    seen = pooled(ODD)
    truth = replay.moments(ODD["truth_mean"], ODD["truth_var"])
    expected = chance.mean_noise(truth, ODD["noise"], ODD["m"], ODD["places"])
    np.testing.assert_allclose(seen.mean.var(), expected, rtol=0.06)


def test_drawn_statistics_are_distributed_as_those_of_drawn_images():
    truth = replay.moments(ODD["truth_mean"], ODD["truth_var"])
    short = chance.observations(truth, ODD["noise"], ODD["m"], ODD["places"])
    long = pooled(ODD)
    np.testing.assert_allclose(short.mean.mean(), long.mean.mean(), atol=0.05)
    np.testing.assert_allclose(short.mean.var(), long.mean.var(), rtol=0.1)
    np.testing.assert_allclose(short.var.mean(), long.var.mean(), rtol=0.03)
    np.testing.assert_allclose(short.var.std(), long.var.std(), rtol=0.1)


@pytest.mark.parametrize("q", [0.0, 0.2, 0.7, 1.0])
def test_the_error_curve_is_the_average_over_drawn_micro_batches(q):
    seen, truth = pooled(ODD), ODD["truth_var"]
    prior = replay.moments(ODD["prior_mean"], ODD["prior_var"])
    posterior = replay.mixture(prior, seen, q)
    mean = ((posterior.mean - ODD["truth_mean"]) ** 2).mean() / truth
    var = (np.log(posterior.var / truth) ** 2).mean()
    curve = averaged.curve(ODD)
    np.testing.assert_allclose(curve.error("mean", q), mean, rtol=0.08)
    np.testing.assert_allclose(curve.error("var", q), var, rtol=0.08)


def test_the_best_gains_are_where_the_curves_are_lowest():
    curve = averaged.curve(ODD)
    fine = np.linspace(0, 1, 1001)
    noise = chance.mean_noise(replay.moments(0, 2.0), 0.4, 4, 9)
    errors = (1 - fine) ** 2 * 0.7**2 + fine**2 * noise
    np.testing.assert_allclose(curve.best_mean, fine[errors.argmin()], atol=1e-3)
    assert curve.var[np.isclose(curve.gains, curve.best_var)] == curve.var.min()


def test_a_single_value_has_no_variance_and_the_curve_does_not_break():
    curve = averaged.curve(SETTINGS | {"m": 1, "places": 1})
    assert np.isinf(curve.var[-1])
    assert np.isfinite(curve.var[:-1]).all()


def numbers_in(formula):
    """The numbers of a formula, in order."""
    return [
        float(one)
        for one in re.findall(r"(?<![#\w])-?\d+\.\d+|(?<![#\w.])-?\d+(?![\w.])", plain(formula))
    ]


def plain(formula):
    """Without colours, exponents and indices."""
    return re.sub(r"\\textcolor\{#\w+\}|\^\S|_\{[^}]*\}", "", formula)


def test_the_numbers_in_the_equations_are_those_of_the_update():
    scene = free.scene(ODD | {"q": 0.35})
    _, mean, _, var = equations.update(scene)
    assert numbers_in(mean) == [
        0.65, round(float(scene.prior.mean), 2), 0.35, round(float(scene.seen.mean), 2),
        round(float(scene.posterior.mean), 2),
    ]  # fmt: skip
    found = numbers_in(var)
    assert found[0] * found[1] + found[2] * found[3] + found[4] == pytest.approx(found[5], abs=0.02)
    assert found[5] == round(float(scene.posterior.var), 2)


def test_the_equations_below_and_of_the_batch_end_in_prior_and_observation():
    scene = free.scene(ODD)
    for formula, expected in zip(
        [*equations.predict(scene), *equations.observe(scene)],
        [*scene.prior, *scene.seen], strict=True,
    ):  # fmt: skip
        assert numbers_in(formula)[-1] == pytest.approx(float(expected), rel=0.03)


@pytest.mark.parametrize(
    ("value", "told"), [(0.314, "0.31"), (12.36, "12.4"), (1234.0, r"1\,234"), (0.0042, "0.0042"),
                        (7.6e-5, r"7.6 \cdot 10^{-5}"), (0.0, "0.00"), (-0.5, "-0.50")],
)  # fmt: skip
def test_numbers_have_as_many_digits_as_matter(value, told):
    assert equations.number(value) == told


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("q", "7", "q must be a number in [0, 1], got '7'; using 0.3"),
        ("m", "2.5", "m must be a whole number in [1, 64], got '2.5'"),
        ("noise", "loud", "noise must be a number in [0, 1], got 'loud'"),
        ("stage", "end", "stage must be one of predict, observe, update, got 'end'"),
        ("source", "tape", "source must be one of free, recorded, got 'tape'"),
        ("gain", "0.1", "the link sets 'gain', which this page does not know"),
    ],
)
def test_what_is_wrong_in_a_link_is_said(name, text, words):
    settings, wrong = read({name: [text]})
    assert settings == LINK
    assert words in wrong[0]


def test_a_link_holds_all_that_differs_from_the_defaults():
    changed = LINK | {name: param.high for name, param in FREE.items()} | {"stage": "observe"}
    back, wrong = read(write(changed))
    assert not wrong
    assert back == changed
    assert write(LINK) == {}
