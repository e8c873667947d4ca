"""Errors of variances as people read them: by which factor, in which layer, of which entrant."""

from typing import TYPE_CHECKING

import numpy as np

from app.figures.spec import waiting

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache

METRIC = "var_error_posterior"  # of the variance that normalizes


def factor(values: np.ndarray) -> np.ndarray:
    """Average squared log ratio of variances -> the factor that people read."""
    return np.exp(np.sqrt(values))


def times(value: float) -> str:
    """×2.1, ×34; a dash where nothing is known."""
    if not np.isfinite(value):
        return "–"
    return f"×{value:.1f}" if value < 10 else f"×{value:.0f}" if value < 1e4 else f"×{value:.0e}"


def estimating(cache: "RaceCache") -> list[int]:
    """Positions of the entrants whose statistics estimate something."""
    cards = [experiment.method_card for experiment in cache.race.experiments]
    return [position for position, card in enumerate(cards) if card.estimates]


def latest_factors(cache: "RaceCache", position: int) -> dict[str, float]:
    """Layer -> factor at the latest probe; empty before the first."""
    found = {layer: cache.latest(position, f"{layer}/{METRIC}") for layer in cache.layers(position)}
    if all(value is None for value in found.values()):
        return {}
    values = [np.nan if value is None else value for value in found.values()]
    return dict(zip(found, factor(np.array(values)).tolist(), strict=True))


def nothing_yet(cache: "RaceCache") -> str:
    """Why there are no errors to show."""
    if not estimating(cache):
        return "None of these methods estimates anything from the batch, so nothing can be wrong."
    if cache.race.probe == "off":
        return "The probe is off, so no estimate is held against the truth."
    return waiting(cache, "The first probe follows after a few steps.")
