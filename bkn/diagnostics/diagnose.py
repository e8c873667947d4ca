"""A diagnosis: all measurements of one model on one batch, as plain numbers."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from bkn.cards import as_number
from bkn.diagnostics.agreement import sign_agreement
from bkn.diagnostics.along import loss_along_gradient
from bkn.diagnostics.fisher import Eigenvalue, Metric, approach, learning_rate_bound
from bkn.diagnostics.noise import gradient_noise
from bkn.diagnostics.outputs import output_gradient
from bkn.diagnostics.profile import depth_profile, places
from bkn.diagnostics.subject import Pulse, Subject, unhurried
from bkn.diagnostics.tails import EDGES, gradient_tails
from bkn.probe.frozen import frozen

TOLERANCE, ITERATIONS = 1e-3, 200  # of the power iteration
ROUGH = 0.1  # an eigenvalue that still changes by more than this share says nothing
Report = dict[str, Any]


class OutOfTime(Exception):  # noqa: N818 - it reads as what happened, not as a fault
    """A part has taken as long as it may."""


def diagnose(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    domains: Tensor | None = None,
    *,
    micro_batch: int | None = None,
    momentum: float = 0.9,
    metric: Metric = "softmax",
    seconds: float = math.inf,
    pulse: Pulse = unhurried,
) -> Report:
    """Everything about the model and its gradients at the weights it has now; changes nothing.

        experiment = bkn.Experiment(method="kalman")
        model = bkn.convert(any_model_with_batchnorm, "kalman", micro_batch=2)
        report = bkn.diagnose(model, x, y)
        report["fisher"]["bound"]     # the largest stable learning rate, near a fit
        report["profile"]             # one row per norm: activations and gradients

    A race is asked while it runs: `supervisor.send(race_id, "diagnose", value={"run": 0})`; the
    answer is an event of kind "diagnosis" with this report, `run` and `lr`.

    Args:
        model: any classifier, best a converted one; it is used as in training.
        x: images (N, C, H, W) or vectors (N, D), on the model's device.
        y: labels (N,).
        domains: (N,), for a model that is told.
        micro_batch: images that share statistics, m; by default as the norms have it, else all.
        momentum: of the optimizer, for the bound.
        metric: of the Fisher matrix, see `bkn.diagnostics.fisher`.
        seconds: that a part may take; one that takes longer is left out and named in `skipped`.
            The eigenvalue is given as far as it came, if it was settling.
        pulse: called between passes; what it raises ends the diagnosis.

    Returns:
        `profile`, `output_gradient`, `tails` with `tail_edges`, `sign_agreement`,
        `loss_along_gradient`, `noise` as their functions describe them; `fisher` with
        `lambda_max`, `iterations`, `change`, `converged`, `metric`, `momentum` and the learning
        rate's `bound`; `images`, `micro_batch`, `seconds` taken, `skipped`. None stands for what
        is not finite.

    Raises:
        ValueError: for an unknown metric, a momentum outside [0, 1), a micro-batch that does not
            divide the batch, or labels that are none of the model's classes.
    """
    number = as_number(momentum)
    if number is None or not 0 <= number < 1:
        raise ValueError(f"momentum must be a number in [0, 1), got {momentum!r}")
    subject = Subject(model, x, y, () if domains is None else (domains,))
    check_labels(subject)
    size = micro_batch or micro_batch_of(model) or len(x)
    if size < 1 or len(x) % size:
        raise ValueError(f"micro_batch must divide the batch of {len(x)}, got {size}")
    measures: dict[str, Callable[[Pulse], Any]] = {
        "profile": lambda _: depth_profile(subject),
        "output_gradient": lambda _: output_gradient(subject),
        "tails": lambda _: gradient_tails(subject),
        "sign_agreement": lambda _: sign_agreement(subject),
        "loss_along_gradient": lambda beat: loss_along_gradient(subject, pulse=beat),
        "noise": lambda beat: gradient_noise(subject, size, pulse=beat),
        "fisher": lambda beat: fisher_bound(subject, metric, number, beat),
    }
    report: Report = {"images": len(x), "micro_batch": size, "tail_edges": list(EDGES)}
    skipped, began = [], time.monotonic()
    for name, measure in measures.items():
        try:
            report[name] = measure(limited(pulse, seconds))
        except OutOfTime:
            skipped.append(name)
    report |= {"skipped": skipped, "seconds": time.monotonic() - began}
    finite: Report = as_json(report)
    return finite


def check_labels(subject: Subject) -> None:
    """Refuse labels that are none of the model's classes; one forward pass tells how many it has.

    Raises:
        ValueError: saying what y must be.
    """
    y, images = subject.y, len(subject.x)
    if y.dtype != torch.int64 or y.shape != (images,):
        kind = str(y.dtype).removeprefix("torch.")
        raise ValueError(f"y must be int64 of shape ({images},), got {kind} of {tuple(y.shape)}")
    with frozen(subject.model):
        logits = subject.logits()
    if not isinstance(logits, Tensor):
        raise ValueError(
            f"model must return one tensor of logits, got {type(logits).__name__}; build it "
            "without auxiliary outputs"
        )
    classes = logits.shape[-1]
    wrong = y[(y < 0) | (y >= classes)]
    if len(wrong):
        raise ValueError(
            f"y must hold classes in [0, {classes - 1}], as the model has {classes}, "
            f"got {int(wrong[0])}"
        )


def micro_batch_of(model: nn.Module) -> int | None:
    """What the norms of a converted model have set; None for all images, or other norms."""
    return next((getattr(norm, "micro_batch", None) for norm in places(model).values()), None)


def limited(pulse: Pulse, seconds: float) -> Pulse:
    """The pulse, which after so many seconds raises OutOfTime.

    It is out of time only when asked: a part that is short of passes always comes to its end.
    """
    began = time.monotonic()

    def beat() -> None:
        pulse()
        if time.monotonic() - began > seconds:
            raise OutOfTime

    return beat


def fisher_bound(subject: Subject, metric: Metric, momentum: float, pulse: Pulse) -> Report:
    """The largest Fisher eigenvalue as far as it comes in time, and the learning rate's bound."""
    last = Eigenvalue(math.nan, 0, math.nan, False)
    try:
        for estimate in approach(subject, metric, TOLERANCE, ITERATIONS):
            last = estimate
            pulse()
    except OutOfTime:
        if not last.change < ROUGH:
            raise
    return {
        "lambda_max": last.value,
        "iterations": last.iterations,
        "change": last.change,
        "converged": last.converged,
        "bound": learning_rate_bound(last.value, momentum),
        "momentum": momentum,
        "metric": metric,
    }


def as_json(value: Any) -> Any:
    """The value with six digits a number, and None for numbers that are not finite."""
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
