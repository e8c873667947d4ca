"""The largest eigenvalue of the Fisher matrix, and the learning rate that it allows.

Karakida, Akaho & Amari 2019, https://arxiv.org/abs/1806.01316; Wei, Stokes & Schwab 2019,
https://arxiv.org/abs/1903.02606: gradient descent with momentum mu on a loss of curvature
lambda is stable below the rate 2 (1 + mu) / lambda. Near a fit the curvature of the loss is

    F = 1/N J^T M J,    J = d outputs / d weights, over all N images and K outputs,

with M per image `softmax`: diag(p) - p p^T, the true Fisher matrix of the classifier (labels
drawn from its own p) and the Gauss-Newton matrix of cross-entropy; or `identity`: that of the
squared error, for which the theory is written (`mean_field`). With batch statistics the outputs
of all images are one function of the weights, so J holds what an image does to its companions.

Largest by power iteration: v <- F v / |F v|. J v is a difference of outputs in float64, J^T u
a backward pass. Where a method keeps something out of the gradient the two are not transposes of
each other; F is then still the matrix by which a small step of training changes the next gradient.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from bkn.diagnostics.subject import Subject, by
from bkn.probe.frozen import frozen

Metric = Literal["softmax", "identity"]
METRICS: tuple[Metric, ...] = ("softmax", "identity")
# Of the difference, relative to the weights' norm. Two images that nearly agree make batch norm so
# steep that larger steps leave its slope; smaller ones drown in rounding.
STEP = 1e-10
QUIET = 4  # small changes in a row before the iteration counts as converged


@dataclass(frozen=True)
class Eigenvalue:
    """The largest eigenvalue as far as the iteration has come.

    Args:
        value: v^T F v / v^T v, never above the largest eigenvalue of a symmetric F.
        iterations: products with F so far.
        change: of the value in the last iteration, relative to it.
        converged: whether that and those before it were below the tolerance; where the second
            eigenvalue lies close below, what is missing may be some hundred times as much.
    """

    value: float
    iterations: int
    change: float
    converged: bool


def learning_rate_bound(eigenvalue: float, momentum: float) -> float:
    """The largest stable rate, 2 (1 + momentum) / eigenvalue; infinite without curvature."""
    return 2 * (1 + momentum) / eigenvalue if eigenvalue else float("inf")


def largest_eigenvalue(
    subject: Subject,
    metric: Metric = "softmax",
    tolerance: float = 1e-4,
    most: int = 200,
    seed: int = 0,
) -> Eigenvalue:
    """The largest eigenvalue of F over the parameters of the model on this batch.

    Args:
        subject: a model on a batch.
        metric: `softmax` or `identity`, see above.
        tolerance: of the relative change between two iterations.
        most: iterations.
        seed: of the start vector, half chance and half gradient.

    Raises:
        ValueError: for an unknown metric.
    """
    *_, last = approach(subject, metric, tolerance, most, seed)
    return last


def approach(
    subject: Subject,
    metric: Metric = "softmax",
    tolerance: float = 1e-4,
    most: int = 200,
    seed: int = 0,
) -> Iterator[Eigenvalue]:
    """As `largest_eigenvalue`, one iteration at a time: the caller may stop whenever it likes."""
    product, size = fisher(subject, metric)
    chance = torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    # The gradient lies mostly along the steepest directions, chance alone hardly.
    gradient = torch.cat([g.flatten() for g in subject.gradient().values()]).cpu().double()
    start = normalize(chance, dim=0) + normalize(gradient, dim=0)
    return power_iteration(product, start, tolerance, most)


def power_iteration(
    product: Callable[[Tensor], Tensor], start: Tensor, tolerance: float, most: int
) -> Iterator[Eigenvalue]:
    """Iterate until the Rayleigh quotient changes by less than the tolerance, QUIET times in a row.

    Once is not enough: on its way past the second eigenvector it hardly moves either. A product of
    zero ends it with the eigenvalue 0; one that is not finite, unconverged.
    """
    v, value, quiet = start / start.norm(), float("nan"), 0
    for iteration in range(1, most + 1):
        image = product(v)
        length, before, value = image.norm().item(), value, torch.dot(v, image).item()
        change = abs(value - before) / abs(value) if value else 0.0
        quiet = quiet + 1 if change < tolerance else 0
        converged = length == 0 or quiet == QUIET
        yield Eigenvalue(value, iteration, change, converged)
        if converged or not length < float("inf"):
            return
        v = image / length


def fisher(subject: Subject, metric: Metric) -> tuple[Callable[[Tensor], Tensor], int]:
    """The product v -> F v with vectors of all parameters, one after the other, and their number.

    Raises:
        ValueError: for an unknown metric.
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be {' or '.join(METRICS)}, got {metric!r}")
    exact = in_float64(subject)
    parameters = {name: p.detach() for name, p in exact.parameters().items()}
    sizes = [p.numel() for p in parameters.values()]
    length = float(torch.cat([p.flatten() for p in parameters.values()]).norm())
    with frozen(exact.model):
        here = exact.logits()
    p = here.softmax(1)

    def moved(change: Tensor) -> Tensor:
        parts = zip(parameters.items(), change.split(sizes), strict=True)
        weights = {name: w + part.view_as(w) for (name, w), part in parts}
        with frozen(exact.model):
            return exact.logits(weights)

    def product(v: Tensor) -> Tensor:
        v = v.to(exact.x.device)
        step = STEP * length / v.norm()
        jv = (moved(step * v) - here) / step  # (N, K)
        if metric == "softmax":
            jv = p * (jv - (p * jv).sum(1, keepdim=True))
        with frozen(exact.model, gradient=True):
            back = by(exact.logits(), exact.parameters(), jv / len(jv))
        return torch.cat([g.flatten() for g in back]).cpu()

    return product, sum(sizes)


def in_float64(subject: Subject) -> Subject:
    """A copy in double precision, on the CPU where the device has none."""
    device = "cpu" if subject.x.device.type == "mps" else subject.x.device
    model = copy.deepcopy(subject.model).to(device, torch.float64)
    told = tuple(one.to(device) for one in subject.told)
    return Subject(model, subject.x.to(device, torch.float64), subject.y.to(device), told)
