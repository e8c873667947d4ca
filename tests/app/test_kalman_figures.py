"""The moving picture of the filter and the curve over the gain."""

import numpy as np
import pytest

from app.figures import filter_keys
from app.figures.filter_error import BEST, IN_USE, error_by_gain
from app.figures.filter_story import story
from app.kalman import averaged, free
from app.kalman.settings import LINK
from tests.app.fake_cache import unpacked

SCENE = free.scene(LINK)
SIZE = filter_keys.frame(SCENE)


def lines(spec, name):
    """Traces of a role."""
    return [trace for trace in spec["data"] if trace["meta"]["chips"] == [name]]


def moments_of(trace):
    """Mean and variance of a density from its drawn points."""
    x, y = unpacked(trace["x"]), unpacked(trace["y"])
    mean = area(x, x * y) / area(x, y)
    return mean, area(x, (x - mean) ** 2 * y) / area(x, y)


def area(x, y):
    """Below a drawn line."""
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum())


@pytest.mark.parametrize("role", ["truth", "prior", "observation", "posterior"])
def test_every_bell_has_the_mean_and_variance_of_its_role(role):
    expected = {"truth": SCENE.truth, "prior": SCENE.prior, "observation": SCENE.seen,
                "posterior": SCENE.posterior}[role]  # fmt: skip
    drawn = [t for t in lines(story(SCENE), role) if t["mode"] == "lines" and t["opacity"] > 0]
    mean, var = moments_of(drawn[-1])
    assert mean == pytest.approx(float(expected.mean), abs=1e-5)
    assert var == pytest.approx(float(expected.var), rel=0.01)  # the tails are cut


def test_the_mixture_that_is_shown_has_the_posteriors_moments():
    line = filter_keys.mixed(SCENE, SIZE)
    mean = area(line.x, line.x * line.y) / area(line.x, line.y)
    assert mean == pytest.approx(float(SCENE.posterior.mean), abs=0.02)


def test_the_relu_moves_what_is_below_zero_to_zero():
    cut = filter_keys.folded(filter_keys.on_shelf(free.BELIEF, SIZE), SIZE)
    assert cut.x.min() == 0
    assert (cut.x == 0).sum() > 10


def test_every_value_of_the_micro_batch_falls_to_its_images_row():
    up, _, down = filter_keys.dots(SCENE, SIZE)
    np.testing.assert_array_equal(down.x, SCENE.values.ravel())
    assert (up.y > 0).all()
    assert (down.y < 0).all()
    assert len(set(down.y)) == SCENE.m


def test_of_many_values_an_even_choice_is_drawn():
    many = free.scene(LINK | {"m": 64, "places": 256})
    assert len(filter_keys.dots(many, filter_keys.frame(many))[2].x) == filter_keys.MOST_DOTS


def test_the_frame_does_not_depend_on_the_gain():
    assert filter_keys.frame(free.scene(LINK | {"q": 0.9})) == SIZE


def test_keyframes_are_in_order_and_last_at_what_is_drawn_at_rest():
    for trace in story(SCENE)["data"]:
        keys = trace["meta"]["keys"]
        times = [key["t"] for key in keys]
        assert times == sorted(times)
        assert all(0 <= time <= 3 for time in times)
        moved = [key for key in keys if "x" in key]
        if moved:
            np.testing.assert_array_equal(unpacked(moved[-1]["y"]), unpacked(trace["y"]))
        faded = [key["opacity"] for key in keys if "opacity" in key]
        if faded:
            assert faded[-1] == trace["opacity"]


def test_the_prior_comes_from_the_layer_below():
    traveller = lines(story(SCENE), "prior")[0]["meta"]["keys"]
    start, end = unpacked(traveller[0]["y"]), unpacked(traveller[-3]["y"])
    assert start.min() >= SIZE.shelf - 1e-6
    assert end.max() <= SIZE.top + 1e-6


def test_without_a_prior_the_story_says_so():
    from dataclasses import replace

    alone = replace(SCENE, prior=None, below=None, posterior=SCENE.seen, gain=1.0, var_gain=1.0)
    spec = story(alone)
    assert not lines(spec, "prior")
    assert "no prior" in spec["story"]["stages"][0]["beats"][0]["words"]
    assert "as in batch norm" in spec["story"]["stages"][2]["beats"][0]["words"]


def test_the_table_holds_the_numbers():
    rows = {row[0]: row[1:] for row in story(SCENE)["table"]["rows"]}
    assert float(rows["posterior"][0]) == pytest.approx(float(SCENE.posterior.mean), rel=1e-3)
    assert float(rows["prior"][1]) == pytest.approx(LINK["prior_var"])


def test_marks_stand_on_the_curve_at_their_gains():
    curve = averaged.curve(LINK)
    spec = error_by_gain(curve, {IN_USE: (0.3, 0.6)})
    found = {(t["meta"]["chips"][0], t["xaxis"]): (t["x"][0], t["y"][0])
             for t in spec["data"] if "text" in t}  # fmt: skip
    assert found[IN_USE, "x"] == (0.3, pytest.approx(curve.error("mean", 0.3)))
    assert found[IN_USE, "x2"] == (0.6, pytest.approx(curve.error("var", 0.6)))
    assert found[BEST, "x"][0] == curve.best_mean
    assert found[BEST, "x2"] == (curve.best_var, pytest.approx(curve.var.min()))


def test_a_curve_that_ends_in_nothing_known_has_a_finite_axis():
    spec = error_by_gain(averaged.curve(LINK | {"m": 1, "places": 1}), {IN_USE: (1.0, 1.0)})
    assert np.isfinite(spec["layout"]["yaxis2"]["range"]).all()
    names = [t["meta"]["chips"][0] for t in spec["data"] if t.get("xaxis") == "x2"]
    assert IN_USE not in names
