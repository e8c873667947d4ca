"""Cheap figures of a training run for its summary: names, and how they are measured.

Before the first step and after the last, as `..._start` and `..._end`:

weight_norm         geometric mean, over all layers with weights but the last, which classifies, of
                    their Euclidean norms: behind a norm it changes nothing but the step's effect
activation_growth   decades per layer: the slope over depth of the common logarithm of what arrives
                    at the norms, a mean square over channels, images and places
channel_share       which share of that mean square, at the last norm, is channel means alone: near
                    1 a channel says the same of every image

Of a diagnosis, where a job asks for one (see `bkn.diagnose`):

fisher              largest eigenvalue of the Fisher matrix, nats per squared unit of weight
fisher_converged    1 where its iteration came to rest, else 0

The middle two look at the first batch in training mode. Nothing they do changes the training; what
is not finite is left out.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from bkn.diagnostics.profile import places, spread
from bkn.diagnostics.subject import Subject
from bkn.probe.frozen import frozen
from bkn.training.entrant import Entrant
from bkn.training.race import RaceTrainer

Figures = dict[str, float]


def at_start(trainer: RaceTrainer) -> Figures:
    """Figures of a network before its first step."""
    return _figures(trainer, "start")


def at_end(trainer: RaceTrainer) -> Figures:
    """Figures of a network after its last step."""
    return _figures(trainer, "end")


def of_report(report: Mapping[str, Any]) -> Figures:
    """Figures of a diagnosis; what it skipped is missing."""
    fisher = report.get("fisher") or {}
    if fisher.get("lambda_max") is None:
        return {}
    return {
        "fisher": float(fisher["lambda_max"]),
        "fisher_converged": float(fisher["converged"]),
    }


def weight_norm(model: nn.Module) -> float:
    """Geometric mean of the weights' norms, the last layer's left out; not a number without any."""
    weights = [p for p in model.parameters() if p.requires_grad and p.ndim > 1][:-1]
    logs = [math.log(max(1e-30, p.detach().double().norm().item())) for p in weights]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def arriving(entrant: Entrant, trainer: RaceTrainer) -> list[dict[str, float]]:
    """Moments of what arrives at each norm, in order, for the first batch: `spread` per norm."""
    x, y, domains = trainer.first_batch()
    subject = Subject(entrant.model, x, y, (domains,) if entrant.takes_domains else ())
    seen: dict[nn.Module, dict[str, float]] = {}

    def look(norm: nn.Module, args: tuple[Any, ...]) -> None:
        seen[norm] = spread(args[0])

    handles = [n.register_forward_pre_hook(look) for n in places(entrant.model).values()]
    try:
        with entrant.stream, frozen(entrant.model):
            subject.logits()
    finally:
        for handle in handles:
            handle.remove()
    return list(seen.values())


def _figures(trainer: RaceTrainer, when: str) -> Figures:
    entrant = trainer.entrants[0]
    rows = arriving(entrant, trainer)
    means = [row["mean"] ** 2 + row["mean_spread"] ** 2 for row in rows]
    powers = [mean + row["var"] for mean, row in zip(means, rows, strict=True)]
    found = {"weight_norm": weight_norm(entrant.model)}
    if powers and all(0 < power < math.inf for power in powers):
        found["channel_share"] = means[-1] / powers[-1]
        if len(powers) > 1:
            depth = np.arange(len(powers))
            found["activation_growth"] = float(np.polyfit(depth, np.log10(powers), 1)[0])
    return {f"{name}_{when}": value for name, value in found.items() if math.isfinite(value)}
