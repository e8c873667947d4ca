"""Errors of moments as people read them, and as colours: one meaning in every figure.

A variance is off by a factor, 1 is exact; a mean by deviations of the truth, 0 is exact.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from app.figures.factors import factor, times
from app.figures.spec import Dict
from app.palette import HEAT

Moment = Literal["var", "mean"]
TOP = 10.0  # ×10 and more share the last colour
FAR = 1.0  # deviations, likewise


class Unit(NamedTuple):
    """How errors of one moment are told."""

    name: str  # of the moment
    axis: str
    low: float  # exact
    high: float  # the last colour
    ends: tuple[str, str]


UNITS: dict[str, Unit] = {
    "var": Unit("variance", "variance off by", 1.0, TOP, ("exact", "×10")),
    "mean": Unit("mean", "mean off by, σ", 0.0, FAR, ("exact", "1 σ")),
}


def shown(what: str, squared: ArrayLike) -> np.ndarray:
    """Averages of squared errors -> factors (variance) or deviations (mean)."""
    values = np.asarray(squared, dtype=float)
    return factor(values) if what == "var" else np.sqrt(values)


def told(what: str, value: float) -> str:
    """×2.1; 0.34 σ; a dash where nothing is known."""
    if what == "var" or not np.isfinite(value):
        return times(value)
    return f"{value:.2f} σ" if value < 10 else f"{value:.0f} σ"


def colors(what: str) -> list[list[float | str]]:
    """Plotly's colour scale between a unit's low and high; factors by their logarithm."""
    if what == "mean":
        return [[at, f"@{name}"] for at, name in HEAT]
    return [[(TOP**at - 1) / (TOP - 1), f"@{name}"] for at, name in HEAT]


def key(what: str) -> Dict:
    """The colour key of a figure."""
    return {"stops": [[at, f"@{name}"] for at, name in HEAT], "ends": list(UNITS[what].ends)}
