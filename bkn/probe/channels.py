"""The fields of a snapshot, for one layer; what they mean: bkn/snapshot.py."""

import math

import torch
from torch import Tensor

from bkn.normalizers.base import BatchStatistics, Belief
from bkn.probe.errors import TINY, mean_errors, oracle_gain, var_errors
from bkn.probe.histogram import histogram
from bkn.probe.look import Look
from bkn.probe.replayed import best_var_gain, curves
from bkn.snapshot import GAINS

Arrays = dict[str, Tensor]


def truth_arrays(x: Tensor, truth: Belief, kept: Tensor) -> Arrays:
    """What every method has: moments of its input x (N, C, ...) and how its values lie."""
    some = Belief(truth.mean[kept], truth.var[kept])
    shares = histogram(x if len(kept) == x.shape[1] else x[:, kept], some)
    return {"truth_mean": some.mean, "truth_var": some.var, "histogram": shares}


def belief_arrays(norm: BatchStatistics, found: Look, kept: Tensor, rows: int) -> Arrays:
    """What a layer with estimates believed, and how right it was.

    Args:
        norm: the layer.
        found: what it made of its input.
        kept: channels, (C',).
        rows: micro-batches that are kept one by one; missing ones are not a number.
    """
    found = found.of(kept)
    seen, prior, truth = found.seen, found.prior, found.truth
    nothing = Belief(*torch.full_like(seen.mean, math.nan).expand(2, *seen.mean.shape))
    running = found.running
    if running.mean.dim() > 1:  # of several populations: their average
        running = Belief(running.mean.mean(0), running.var.mean(0))
    sources = (seen, nothing if prior is None else prior, found.posterior)
    errors = (*sources, found.running)
    arrays = {
        "running_mean": running.mean,
        "running_var": running.var,
        "gain": found.gain,
        "var_gain": found.var_gain,
        "mean_error": torch.stack([mean_errors(one, truth) for one in errors]),
        "var_error": torch.stack([var_errors(one, truth) for one in errors]),
    }
    for name, belief in zip(("seen", "prior", "posterior"), sources, strict=True):
        arrays[f"{name}_mean"] = first_rows(belief.mean, rows)
        arrays[f"{name}_var"] = first_rows(belief.var, rows)
    return arrays | replays(norm, found) | consistency(found)


def replays(norm: BatchStatistics, found: Look) -> Arrays:
    """Errors at other gains, and the gains that would have been best; nothing without a prior."""
    seen, prior, truth = found.seen, found.prior, found.truth
    if prior is None:
        none = torch.full_like(seen.mean[0], math.nan)
        many = none.expand(len(GAINS), -1)
        return {"mean_curve": many, "var_curve": many, "gain_oracle": none, "var_gain_oracle": none}
    truth = Belief(truth.mean.to(seen.mean.dtype), truth.var.to(seen.var.dtype))
    mean_curve, var_curve = curves(norm.blend, prior, seen, truth)
    return {
        "mean_curve": mean_curve,
        "var_curve": var_curve,
        "gain_oracle": oracle_gain(seen, prior, truth),
        "var_gain_oracle": best_var_gain(norm.blend, prior, seen, truth, var_curve),
    }


def consistency(found: Look) -> Arrays:
    """Innovation^2 over what a filter expects that uses these gains, averaged over groups; (C,).

    A filter weighs the observation by q = P / (P + R), P the variance of the prior's error and R
    that of the observation's; so who uses q says that innovations have the variance
    P + R = R / (1 - q). R is measured: the variance between the micro-batches of the observed mean,
    and of the logarithm of the observed variance. Near 1 for an honest filter, above it for one
    that trusts its prior too much. Not a number where nothing is claimed: no prior, q = 1.
    """
    seen, prior = found.seen, found.prior
    if prior is None:
        none = torch.full_like(seen.mean[0], math.nan)
        return {"consistency_mean": none, "consistency_var": none}

    def of(observed: Tensor, predicted: Tensor, gain: Tensor) -> Tensor:
        noise = observed.var(0, correction=1) if len(observed) > 1 else observed[0] * math.nan
        share = (observed - predicted).square().mean(0) * (1 - gain) / noise
        return torch.where((gain < 1) & (noise > 0), share, math.nan)

    seen_log, prior_log = (belief.var.clamp_min(TINY).log() for belief in (seen, prior))
    return {
        "consistency_mean": of(seen.mean, prior.mean, found.gain),
        "consistency_var": of(seen_log, prior_log, found.var_gain),
    }


def first_rows(values: Tensor, rows: int) -> Tensor:
    """The first rows of values (G, C); where there are fewer, the others are not a number."""
    missing = rows - len(values)
    if missing <= 0:
        return values[:rows]
    return torch.cat([values, torch.full_like(values[:1], math.nan).expand(missing, -1)])
