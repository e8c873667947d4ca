"""Worlds in which a claim is true, and in which it is false: made-up results of its jobs."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import log2
from zlib import crc32

import numpy as np

from bkn.experiment import Experiment
from bkn.results import Result
from bkn.store.sweeps import Curve
from bkn.sweep import Job


@dataclass
class Fate:
    """What becomes of a run: accuracy in %, figures, and how its curve comes about."""

    accuracy: float
    figures: dict[str, float] = field(default_factory=dict)
    reached: float = 1.0  # share of the steps after which the final accuracy is reached
    zigzag: float = 0.0  # points that the curve goes up and down from test to test
    diverged: bool = False


World = Callable[[Experiment], Fate]


def noise(text: str) -> float:
    """A number of about 1 that belongs to a text."""
    return float(np.random.default_rng(crc32(text.encode())).normal())


def quiet(job: Job) -> float:
    """Every run has luck of its own."""
    return 0.05 * noise(job.id)


def loud(job: Job) -> float:
    """What is good for one entrant with even seeds is as bad for it with odd ones."""
    same = replace(job.experiment, seed=0)
    return 30.0 * noise(same.key) * (-1) ** job.experiment.seed


def results_in(
    world: World, jobs: tuple[Job, ...], luck: Callable[[Job], float] = quiet
) -> list[Result]:
    """All jobs finished; accuracies are off by `luck` points, figures by as many tenths."""
    return [result_of(job, world(job.experiment), luck(job)) for job in jobs]


def result_of(job: Job, fate: Fate, luck: float = 0.0) -> Result:
    steps = job.experiment.steps
    if fate.diverged:
        return Result(job, "diverged", steps // 2, "the training loss was inf nats", {}, None)
    final = (fate.accuracy + luck) / 100
    figures = {k: v * np.exp(luck / 10) for k, v in fate.figures.items()}
    at = np.linspace(steps / 15, steps, 15).round().astype(int)
    rise = np.minimum(1, at / (fate.reached * steps * np.exp(luck / 10)))
    sway = fate.zigzag * np.exp(luck / 10) / 100 * (np.arange(15) % 2) * np.r_[np.ones(14), 0]
    curve = Curve(at, final * np.where(at == steps, 1, rise) - sway)
    return Result(job, "finished", steps, "", {"test_accuracy": final, **figures}, curve)


def ahead(method: str, by: float, base: float = 95.0, **where: object) -> World:
    """One entrant is ahead of all others, where its experiment is like that."""

    def world(e: Experiment) -> Fate:
        here = all(getattr(e, name) == value for name, value in where.items())
        return Fate(base + by * (e.entrant == method and here))

    return world


def batch_suffers(e: Experiment, by: float, *, but: str) -> Fate:
    """Batch norm loses by points per halving of m below the batch; another method does not."""
    return Fate(97 - (0 if e.entrant == but else by * log2(e.step_images / e.micro_batch)))


def slower(method: str, reached: float) -> World:
    def world(e: Experiment) -> Fate:
        return Fate(97.5, reached=reached) if e.entrant == method else Fate(97, reached=0.6)

    return world


def rates(largest: float, growth: float) -> World:
    def world(e: Experiment) -> Fate:
        figures = {"activation_growth_start": 0.001 if e.method == "batch" else growth}
        return Fate(96, figures, diverged=e.method == "none" and e.lr > largest)

    return world


def weights(keep: float, rescaled: float) -> World:
    def world(e: Experiment) -> Fate:
        grown = keep * e.epochs / 4 if e.weight_decay == 0 else 0.0
        figures = {"weight_norm_start": 1.0, "weight_norm_end": 1 + grown}
        return Fate(97 + rescaled * (e.method == "weight_rescaling"), figures)

    return world


def collapse(layer: float, proxy: float, gain: float) -> World:
    def world(e: Experiment) -> Fate:
        share = {"layer": layer, "proxy": proxy}.get(e.method, 0.1)
        return Fate(95 + gain * (e.method == "proxy"), {"channel_share_end": share})

    return world


def eigenvalue(batch: float, none: float) -> World:
    return lambda e: Fate(90, {"fisher": batch if e.method == "batch" else none})


def unseen(gain: float) -> World:
    def world(e: Experiment) -> Fate:
        return Fate(90, {"held_out_accuracy": 0.3 + gain * (e.method == "domain")})

    return world


def size_matters(points: float) -> World:
    return lambda e: Fate(95 + points * log2(e.batch))


def calm(batch: float, ic: float) -> World:
    return lambda e: Fate(97, reached=0.2, zigzag=batch if e.method == "batch" else ic)


WORLDS: dict[str, tuple[World, World]] = {  # claim: (it is true, it is false)
    "kalman_small_batches": (
        lambda e: batch_suffers(e, 1.0, but="kalman"),
        lambda e: batch_suffers(e, 1.0, but="nobody"),
    ),
    "kalman_large_batch": (
        lambda e: batch_suffers(e, 1.0, but="kalman"),
        lambda e: batch_suffers(e, 1.0, but="nobody"),
    ),
    "kalman_speed": (slower("kalman", 0.3), slower("kalman", 0.95)),
    "adaptive_gain": (
        ahead("kalman:gain=adaptive", 2.0),
        ahead("kalman:gain=adaptive", 2.0, micro_batch=2),
    ),
    "group_small_batch": (ahead("group", 2.0), ahead("group", -2.0)),
    "batch_group": (
        ahead("batch_group", 2.0),
        lambda e: Fate(96 + (e.method == "positional") - 3 * (e.method == "instance")),
    ),
    "batch_renorm": (ahead("batch_renorm", 2.0), ahead("batch_renorm", 0.0)),
    "memorized": (ahead("memorized", 2.0), ahead("memorized", 0.0)),
    "moving_average": (
        lambda e: batch_suffers(e, 1.0, but="moving_average"),
        lambda e: batch_suffers(e, 1.0, but="nobody"),
    ),
    "cross_iteration": (
        lambda e: batch_suffers(e, 1.0, but="cross_iteration"),
        lambda e: batch_suffers(e, 1.0, but="nobody"),
    ),
    "frn_batch_size": (size_matters(0.05), size_matters(1.0)),
    "preconditioning": (
        lambda e: Fate(70 if e.method == "batch" and e.batch == 1 else 96),
        lambda e: Fate(70 if e.method == "preconditioned" else 96),
    ),
    "proxy": (collapse(0.6, 0.1, 2.0), collapse(0.1, 0.1, 2.0)),
    "learning_rates": (rates(0.4, 0.2), rates(1e9, 0.2)),
    "fisher": (eigenvalue(10.0, 1000.0), eigenvalue(1000.0, 10.0)),
    "ic_stability": (calm(3.0, 0.5), calm(0.5, 3.0)),
    "weight_growth": (weights(0.05, 0.0), weights(0.05, -3.0)),
    "batch_augmentation": (
        ahead("batch", 1.0, copies=4),
        ahead("batch", -1.0, copies=4),
    ),
    "domain": (unseen(0.1), unseen(-0.1)),
    "instance_enhanced": (ahead("instance_enhanced", 2.0), ahead("instance_enhanced", -2.0)),
    "norm_free": (ahead("norm_free", 3.0), ahead("norm_free", -3.0)),
    "norm_free_binary": (ahead("norm_free", -0.2), ahead("norm_free", -3.0)),
}
