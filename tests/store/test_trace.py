"""Thinning keeps what matters: extremes, ends, gaps; and costs the same however long a run is."""

import numpy as np
import pytest

from bkn.store.trace import Averages, Trace


def feed(target, steps, values, chunk):
    for at in range(0, len(steps), chunk):
        target.add(steps[at : at + chunk], values[at : at + chunk])
    return target


def noise(rows, columns=2):
    values = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    return np.arange(1, rows + 1) * 3, values


def test_few_rows_are_kept_whole():
    steps, values = noise(240)
    curve = feed(Trace(2), steps, values, 7).curve(1)
    np.testing.assert_array_equal(curve.steps, steps)
    np.testing.assert_array_equal(curve.values, values[:, 1])


@pytest.mark.parametrize("rows", [249, 500, 1000, 12345])
@pytest.mark.parametrize("spike_at", [0.0, 0.37, 0.999])
def test_no_spike_disappears_and_the_ends_stay(rows, spike_at):
    steps, values = noise(rows)
    at = int(spike_at * rows)
    values[at, 0] = 99.0
    values[-at - 1, 1] = -99.0
    trace = feed(Trace(2), steps, values, 100)
    up, down = trace.curve(0), trace.curve(1)
    assert (steps[at], 99.0) in zip(*up, strict=True)
    assert (steps[-at - 1], -99.0) in zip(*down, strict=True)
    for column, curve in enumerate((up, down)):
        assert len(curve.steps) <= 500
        assert (np.diff(curve.steps) > 0).all()
        assert (curve.steps[0], curve.values[0]) == (steps[0], values[0, column])
        assert (curve.steps[-1], curve.values[-1]) == (steps[-1], values[-1, column])


@pytest.mark.parametrize("chunk", [1, 13, 5000])
def test_how_rows_arrive_makes_no_difference(chunk):
    steps, values = noise(3001)
    values[::5, 0] = np.nan
    whole, parts = feed(Trace(2), steps, values, 3001), feed(Trace(2), steps, values, chunk)
    for column in range(2):
        np.testing.assert_array_equal(whole.curve(column).steps, parts.curve(column).steps)
        np.testing.assert_array_equal(whole.curve(column).values, parts.curve(column).values)
    halves = feed(Averages(2), steps, values, 3001), feed(Averages(2), steps, values, chunk)
    np.testing.assert_allclose(*(half.means([0, 1])[1] for half in halves))


def test_every_bucket_keeps_its_extremes():
    steps, values = noise(248 * 8)  # fills all 248 buckets of 8 rows exactly
    curve = feed(Trace(2), steps, values, 500).curve(0)
    kept = dict(zip(*curve, strict=True))
    for bucket in range(248):
        rows = slice(8 * bucket, 8 * bucket + 8)
        low, high = rows.start + values[rows, 0].argmin(), rows.start + values[rows, 0].argmax()
        assert kept[steps[low]] == values[low, 0]
        assert kept[steps[high]] == values[high, 0]


def test_unknown_values_hide_no_known_ones_and_stay_gaps():
    steps, values = noise(4000)
    values[:, 0] = np.nan
    values[1234, 0] = 5.0
    curve = feed(Trace(2), steps, values, 64).curve(0)
    known = ~np.isnan(curve.values)
    assert curve.steps[known].tolist() == [steps[1234]]
    assert known.sum() < len(known)


def test_latest():
    trace = Trace(2)
    assert trace.latest(0) is None
    trace.add(np.array([1, 2]), np.array([[1, 2], [3, np.nan]], dtype=np.float32))
    assert trace.latest(0) == 3.0
    assert trace.latest(1) is None


def test_size_is_bounded():
    steps, values = noise(100_000)
    trace, averages = Trace(2), Averages(2)
    before = [array.nbytes for array in (trace._values, trace._steps, averages._sums)]
    feed(trace, steps, values, 5000)
    feed(averages, steps, values, 5000)
    assert [array.nbytes for array in (trace._values, trace._steps, averages._sums)] == before
    assert len(averages.means([0])[0]) <= 120


def test_averages_are_means_of_what_is_known():
    steps = np.arange(1, 241)
    values = np.repeat(np.arange(240, dtype=np.float32)[:, None], 2, axis=1)
    values[1::2, 1] = np.nan
    averages = feed(Averages(2), steps, values, 50)
    at, means = averages.means([0, 1])
    assert at.tolist() == list(range(2, 241, 2))
    assert means[0].tolist() == [row + 0.5 for row in range(0, 240, 2)]
    assert means[1].tolist() == list(range(0, 240, 2))
