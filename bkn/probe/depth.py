"""What the full probe says of every layer of every method, as scalars; and of the whole network.

    input_mean          root of the mean square, over channels, of the input's population means
    input_std           root of the mean, over channels, of the input's population variances
    output_mean_error   mean square, over channels, of the normalized output's population means
    output_var_error    mean, over channels, of ln(the normalized output's population variance)^2
    consistency_mean, consistency_var   see bkn.probe.channels.consistency; means over channels
    gradient_norm       of the weights that feed the layer, as the optimizer got it in the last step
    weight_norm         of these weights
    update_ratio        norm of their last step over their own
    dead_share          share of channels whose true variance is next to nothing

    loss_batch, loss_stored          nats on the probe set, by batch statistics and by stored ones
    accuracy_batch, accuracy_stored  fractions; the difference is the gap of training to evaluation

Loss and accuracy by batch statistics are those of the pass in training mode, dropout included.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bkn.normalizers.base import Belief, Normalizer, moments
from bkn.probe.errors import DEAD, TINY, pooled
from bkn.probe.look import Look

LAYER_METRICS = (
    "input_mean",
    "input_std",
    "output_mean_error",
    "output_var_error",
    "consistency_mean",
    "consistency_var",
    "gradient_norm",
    "weight_norm",
    "update_ratio",
    "dead_share",
)
RUN_METRICS = ("loss_batch", "loss_stored", "accuracy_batch", "accuracy_stored")


def population(x: Tensor) -> Belief:
    """Moments of x (N, C, ...) over all images and places, (C,) each."""
    return pooled(moments(x, 1))


def filtered_output(found: Look, eps: float) -> Belief:
    """Moments over the whole probe set of the values that these posteriors normalize, (C,) each.

    From those of the micro-batches, by the law of total variance: scale and shift come later and
    need not be undone.
    """
    posterior = Belief(found.posterior.mean.double(), found.posterior.var.double() + eps)
    mean = (found.seen.mean - posterior.mean) / posterior.var.sqrt()
    return pooled(Belief(mean, found.seen.var / posterior.var))


def affine_undone(norm: Normalizer, y: Tensor) -> Belief:
    """Moments of what a layer puts out, its scale and shift undone, (C,) each.

    Not a number where the scale is 0, or is not one per channel.
    """
    mean, var = population(y)
    weight, bias = norm.weight, norm.bias
    if weight is None:
        return Belief(mean, var)
    if weight.shape != mean.shape:
        return Belief(mean * math.nan, var * math.nan)
    scale = torch.where(weight == 0, math.nan, weight.double())
    shift = 0.0 if bias is None else bias.double()
    return Belief((mean - shift) / scale, var / scale.square())


def moments_by_depth(truth: Belief, output: Belief) -> dict[str, Tensor]:
    """The metrics of input and output."""
    alive = truth.var > DEAD
    logs = output.var.clamp_min(TINY).log().square()
    return {
        "input_mean": truth.mean.square().mean().sqrt(),
        "input_std": truth.var.mean().sqrt(),
        "output_mean_error": output.mean[alive].square().nanmean(),
        "output_var_error": logs[alive].nanmean(),
        "dead_share": (~alive).double().mean(),
    }


def judged(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Loss in nats and accuracy as a fraction."""
    return cross_entropy(logits, labels), (logits.argmax(1) == labels).double().mean()


def in_order(found: dict[str, Any]) -> list[Tensor]:
    """The metrics of a layer as LAYER_METRICS orders them."""
    return [torch.as_tensor(found[name]).double().cpu() for name in LAYER_METRICS]
