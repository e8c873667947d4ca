"""Thinning that costs the same at a thousand rows and at a million.

Rows fall into buckets of equal width. When all buckets are full, neighbours merge and the width
doubles. A `Trace` keeps each bucket's minimum and maximum, so no spike disappears; `Averages`
keeps each bucket's mean. Both hold all columns of a stream at once, column-major.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]


class Curve(NamedTuple):
    """A line to draw: steps (n,) ascending, values (n,); NaN where nothing is known."""

    steps: Whole
    values: Real


class Trace:
    """Extremes of every column in buckets, first and last row kept.

    Args:
        columns: how many.
        points: most points of one curve, first and last included.
    """

    def __init__(self, columns: int, points: int = 500):
        self.buckets = 2 * ((points - 2) // 4)  # even, so that all pair up
        self.width, self.rows = 1, 0
        self._first_step, self._last_step = 0, 0
        self._first, self._last = np.full((2, columns), np.nan)
        shape = (2, columns, self.buckets)  # low, high
        self._values, self._steps = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)

    def add(self, steps: Whole, values: NDArray[np.float32]) -> None:
        """Append rows: steps (n,), values (n, columns)."""
        if not len(steps):
            return
        if not self.rows:
            self._first_step, self._first = int(steps[0]), values[0].astype(np.float64)
        self._last_step, self._last = int(steps[-1]), values[-1].astype(np.float64)
        by_column = np.ascontiguousarray(values.T, dtype=np.float64)
        done = 0
        while done < len(steps):
            bucket, filled = divmod(self.rows, self.width)
            if bucket == self.buckets:
                self._merge()
                continue
            take = min(self.width - filled, len(steps) - done)
            self._fold(bucket, steps[done : done + take], by_column[:, done : done + take])
            self.rows += take
            done += take

    def curve(self, column: int) -> Curve:
        """What was recorded in one column, thinned."""
        if not self.rows:
            return Curve(np.zeros(0, dtype=np.int64), np.zeros(0))
        used = -(-self.rows // self.width)
        steps = self._steps[:, column, :used].T  # (buckets, 2)
        values = self._values[:, column, :used].T
        order = np.argsort(steps, axis=1, kind="stable")
        steps = np.take_along_axis(steps, order, 1).ravel()
        values = np.take_along_axis(values, order, 1).ravel()
        steps = np.concatenate(([self._first_step], steps, [self._last_step]))
        values = np.concatenate(([self._first[column]], values, [self._last[column]]))
        new = np.concatenate(([True], np.diff(steps) > 0))
        return Curve(steps[new], values[new])

    def latest(self, column: int) -> float | None:
        """The last row's value; None without rows, or where it is unknown."""
        value = self._last[column]
        return None if np.isnan(value) else float(value)

    def _fold(self, bucket: int, steps: Whole, values: Real) -> None:
        """Take values (columns, n) into one bucket."""
        unknown, every = np.isnan(values), np.arange(len(values))
        for side, sign in enumerate((1.0, -1.0)):
            at = np.where(unknown, np.inf, sign * values).argmin(axis=1)
            found, kept = values[every, at], self._values[side, :, bucket]
            better = np.isnan(kept) | (sign * found < sign * kept)
            if not self.rows % self.width:
                better[:] = True  # a fresh bucket holds nothing
            self._values[side, better, bucket] = found[better]
            self._steps[side, better, bucket] = steps[at[better]]

    def _merge(self) -> None:
        """Make one bucket of every two."""
        half = self.buckets // 2
        for side, sign in enumerate((1.0, -1.0)):
            left, right = self._values[side, :, 0::2], self._values[side, :, 1::2]
            take = np.isnan(left) | (sign * right < sign * left)
            values = np.where(take, right, left)
            steps = np.where(take, self._steps[side, :, 1::2], self._steps[side, :, 0::2])
            self._values[side, :, :half], self._steps[side, :, :half] = values, steps
        self.width *= 2


class Averages:
    """Means of every column in buckets, unknown values left out.

    Args:
        columns: how many.
        buckets: at most so many; even.
    """

    def __init__(self, columns: int, buckets: int = 120):
        self.buckets, self.width, self.rows = buckets, 1, 0
        self._sums, self._counts = np.zeros((2, columns, buckets))
        self._steps = np.zeros(buckets, dtype=np.int64)  # last of each bucket

    def add(self, steps: Whole, values: NDArray[np.float32]) -> None:
        """Append rows: steps (n,), values (n, columns)."""
        by_column = np.ascontiguousarray(values.T, dtype=np.float64)
        done = 0
        while done < len(steps):
            bucket, filled = divmod(self.rows, self.width)
            if bucket == self.buckets:
                self._merge()
                continue
            end = done + min(self.width - filled, len(steps) - done)
            part = by_column[:, done:end]
            self._sums[:, bucket] += np.nansum(part, axis=1)
            self._counts[:, bucket] += (~np.isnan(part)).sum(axis=1)
            self._steps[bucket] = steps[end - 1]
            self.rows += end - done
            done = end

    def means(self, columns: list[int]) -> tuple[Whole, Real]:
        """Steps (t,) and means (columns, t), t at most `buckets`; NaN where nothing is known."""
        used = -(-self.rows // self.width)
        sums, counts = self._sums[columns, :used], self._counts[columns, :used]
        means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
        return self._steps[:used].copy(), means

    def _merge(self) -> None:
        half = self.buckets // 2
        for array in (self._sums, self._counts):
            array[:, :half] = array[:, 0::2] + array[:, 1::2]
            array[:, half:] = 0
        self._steps[:half] = self._steps[1::2]
        self.width *= 2
