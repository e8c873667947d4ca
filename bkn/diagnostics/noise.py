"""How noisy is the gradient of one step?

Bjorck et al. 2018, https://arxiv.org/abs/1806.02375: a step of size a by a batch of |B| images is
off by a^2 C / |B| in mean square at the most, C being the variance of one image's gradient. With
batch statistics one image has no gradient of its own; a micro-batch has one.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from bkn.diagnostics.subject import Pulse, Subject, by, unhurried
from bkn.probe.frozen import frozen

MOST = 8  # micro-batches looked at; each takes a backward pass


def gradient_noise(
    subject: Subject, micro_batch: int, most: int = MOST, pulse: Pulse = unhurried
) -> dict[str, float]:
    """Variance between the gradients of micro-batches, summed over all parameters.

    Units: squared nats per unit of weight. `variance` is that of one micro-batch's gradient,
    `per_image` = variance x m stands for C (it is C where images are independent given the
    weights), `of_step` = C / |B| the variance of the whole batch's gradient, `squared` the squared
    length of that gradient: of_step / squared is the share of it that is noise. The variances are
    not numbers where there is only one micro-batch.

    Args:
        subject: a model on |B| images.
        micro_batch: m, divides |B|.
        most: micro-batches to look at, spread over the batch.
        pulse: called between passes.
    """
    count = len(subject.x) // micro_batch
    looked = min(count, most)
    parameters = subject.parameters()
    squares = 0.0
    with frozen(subject.model, gradient=True):
        losses = subject.losses().view(count, micro_batch).mean(1)
        whole = by(losses.mean(), parameters, again=True)
        total = [torch.zeros_like(g) for g in whole]
        for position in range(looked):
            pulse()
            gradient = by(losses[position * count // looked], parameters, again=True)
            squares += squared_length(gradient)
            total = [t + g for t, g in zip(total, gradient, strict=True)]
    between = squares - squared_length(total) / looked
    variance = between / (looked - 1) if looked > 1 else math.nan
    return {
        "micro_batch": micro_batch,
        "looked_at": looked,
        "variance": variance,
        "per_image": variance * micro_batch,
        "of_step": variance / count,
        "squared": squared_length(whole),
    }


def squared_length(gradient: Iterable[Tensor]) -> float:
    """Sum of the squares of all entries."""
    return sum(g.double().square().sum().item() for g in gradient)
