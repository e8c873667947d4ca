"""Numbers about a layer from its part of a snapshot: errors, who helped, channels, what if.

All errors are squared ones as snapshots hold them: of a mean (estimate - truth)^2 over the true
variance, of a variance ln(estimate / truth)^2.
"""

from typing import NamedTuple

import numpy as np

from bkn.snapshot import GAINS, SOURCES, LayerArrays

DEAD = 1e-10  # a channel whose true variance is below this carries nothing to estimate
OUTPUT = "output"  # beside SOURCES: how far normalized values are from mean 0 and variance 1
Errors = dict[tuple[str, str], float]  # (source, moment) -> average squared error
HELPED = ("prior", "observation", "blend")  # what is nearest to the truth


class Shares(NamedTuple):
    """Of a layer's channels: where prior, observation or their blend is nearest to the truth."""

    prior: float
    observation: float
    blend: float


class Replay(NamedTuple):
    """Errors of a layer's posterior over the gain, open loop, averaged over channels."""

    gains: np.ndarray  # (Q,)
    errors: np.ndarray  # (Q,) squared
    best: float  # gain with the smallest error
    used: float  # mean gain in use


def living(arrays: LayerArrays) -> np.ndarray:
    """Which channels vary at all (C,)."""
    return np.asarray(arrays["truth_var"] > DEAD)


def average(errors: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """Mean over living channels (the last axis) that are known; not a number if none is."""
    known = np.isfinite(errors) & alive
    total = np.where(known, errors, 0.0).sum(-1, dtype=float)
    count = known.sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def output_errors(arrays: LayerArrays) -> dict[str, np.ndarray]:
    """Squared errors of the normalized values per channel (C,), by moment."""
    with np.errstate(divide="ignore"):
        return {
            "mean": np.square(arrays["output_mean"], dtype=float),
            "var": np.square(np.log(arrays["output_var"].astype(float))),
        }


def channel_errors(arrays: LayerArrays, source: str, what: str) -> np.ndarray | None:
    """Squared error per kept channel (C,); None where the layer has no such estimate."""
    if source == OUTPUT:
        return output_errors(arrays)[what]
    if f"{what}_error" not in arrays:
        return None
    found = np.asarray(arrays[f"{what}_error"][SOURCES.index(source)])
    return found if np.isfinite(found).any() else None


def layer_errors(arrays: LayerArrays) -> Errors:
    """Average squared errors of a layer by source and moment; what it lacks is missing."""
    alive, found = living(arrays), {}
    for what, values in output_errors(arrays).items():
        found[OUTPUT, what] = float(average(values, alive))
        if f"{what}_error" in arrays:
            means = average(arrays[f"{what}_error"], alive)
            found |= {(source, what): float(m) for source, m in zip(SOURCES, means, strict=True)}
    return found


def worst_channel(arrays: LayerArrays, source: str, what: str) -> int:
    """Position, among the kept, of the channel with the largest error; the first if unknown."""
    errors = channel_errors(arrays, source, what)
    if errors is None:
        errors = output_errors(arrays)[what]
    known = np.isfinite(errors) & living(arrays)
    return int(np.where(known, errors, -1.0).argmax())


def shares(arrays: LayerArrays, what: str) -> Shares | None:
    """Who is nearest in how many channels; None for a layer without a prior."""
    seen, prior, posterior = (
        channel_errors(arrays, source, what) for source in ("observation", "prior", "posterior")
    )
    if prior is None or seen is None or posterior is None:
        return None
    known = living(arrays) & np.isfinite(prior) & np.isfinite(seen) & np.isfinite(posterior)
    if not known.any():
        return None
    nearest = np.stack([prior, seen, posterior])[:, known].argmin(0)
    return Shares(*(float((nearest == k).mean()) for k in range(3)))


def replay(arrays: LayerArrays, what: str) -> Replay | None:
    """The error over the gain; None for a layer whose update cannot be repeated."""
    if f"{what}_curve" not in arrays:
        return None
    curve = average(arrays[f"{what}_curve"], living(arrays))
    if not np.isfinite(curve).all():
        return None
    used = arrays["gain" if what == "mean" else "var_gain"]
    gains = np.array(GAINS)
    return Replay(gains, curve, float(gains[curve.argmin()]), float(np.nanmean(used)))
