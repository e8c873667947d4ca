"""Means with intervals, and Markdown tables of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95  # of every interval


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation and half the width of the t interval of the mean."""

    mean: float
    sd: float
    half: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Sum up at least two values.

        Raises:
            ValueError: for fewer, which have no deviation.
        """
        n = len(values)
        if n < 2:
            raise ValueError(f"values must be at least 2 to have an interval, got {n}")
        sd = float(np.std(values, ddof=1))
        half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * sd / n**0.5
        return cls(float(np.mean(values)), sd, half)

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


def percent(fraction: float, sign: bool = False) -> str:
    """Two decimals, without the sign of the unit: 0.9756 is "97.56"."""
    return f"{100 * fraction:{'+' if sign else ''}.2f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns aligned for readers of the source."""
    table = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in table
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
