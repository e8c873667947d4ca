"""Batch norm allows larger learning rates; without it activations grow and the loss diverges."""

from collections.abc import Mapping, Sequence
from math import log2

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import BySeed, Part, above_zero, beats, verdict
from bkn.claims.evidence import Evidence, figure
from bkn.claims.protocols import GPU, LAPTOP, Scale
from bkn.results import Result
from bkn.sweep import Sweep

STEP = 4  # from one rate to the next
RATES = 5
TRAINS = 50.0  # % that a run at a bearable rate reaches at the least
FACTOR = 1.0  # doubling
GROWTH = 0.02  # decades per layer: a factor of 2.5 over 20 layers
OFTEN = 0.5  # rates


def _sweeps(scale: Scale, deep: int, epochs: int) -> list[Sweep]:
    rates = tuple(scale.lr * STEP**k for k in range(RATES))
    grid = scale.sweep(["batch", "none"], lrs=rates, epochs=epochs, seeds=6)
    start = scale.sweep(
        ["batch", "none"], networks=("resnet",), network_options={"n": deep}, epochs=1, seeds=6
    )
    return [grid, start]


def largest(at: Mapping[float, BySeed]) -> dict[int, float]:
    """By seed the largest rate at which a run trains, as a power of two.

    One step below the smallest rate where none does.
    """
    seeds = set.intersection(*(set(values) for values in at.values()))
    below = min(at) / STEP
    return {
        seed: log2(max([below, *(lr for lr in at if at[lr][seed] >= TRAINS)])) for seed in seeds
    }


def diverged(result: Result) -> float | None:
    """1 where the loss exploded, 0 where the run came through."""
    return {"diverged": 1.0, "finished": 0.0}.get(result.status)


def decide(results: Sequence[Result]) -> Verdict:
    """The largest bearable rate, growth over depth at the start, and how runs end."""
    found = Evidence(results)
    trained = [r for r in results if r.job.experiment.epochs > 1]
    grid, rates = Evidence(trained), Evidence(trained).values("lr")
    at = {m: largest({lr: grid.of(m, lr=lr) for lr in rates}) for m in ("batch", "none")}
    ends = {m: _sums([grid.of(m, diverged, lr=lr) for lr in rates]) for m in ("batch", "none")}
    growth = figure("activation_growth_start")
    batch, none = (found.of(m, growth, epochs=1) for m in ("batch", "none"))
    return verdict(
        results,
        Part(
            "Batch norm allows larger rates",
            [beats("largest rate: batch norm − nothing", at["batch"], at["none"], FACTOR)],
            "doublings",
        ),
        Part(
            "Without it activations grow with depth, at the start",
            [
                above_zero("growth without norm", none, GROWTH),
                beats("growth: nothing − batch norm", none, batch, GROWTH),
            ],
            "decades per layer",
        ),
        Part(
            "Without it the loss diverges more often",
            [beats("rates that diverge: nothing − batch norm", ends["none"], ends["batch"], OFTEN)],
            f"of {len(rates)} rates",
        ),
    )


def _sums(rows: Sequence[BySeed]) -> dict[int, float]:
    seeds = set.intersection(*(set(row) for row in rows))
    return {seed: sum(row[seed] for row in rows) for seed in seeds}


BECAUSE = (
    "Rates are a factor of four, two doublings, apart; on average over seeds half of that can be "
    "seen. 0.02 decades per layer are a factor of 2.5 over 20 layers."
)


CLAIM = Claim(
    "learning_rates",
    "nature",
    "Batch norm allows larger learning rates",
    "Batch normalization makes larger learning rates possible. Without it activations grow from "
    "layer to layer, and at such a rate the loss diverges. Whether activations grow depends on "
    "the network: this lab's weights keep a plain stack of layers level, but in a residual "
    "network every block adds its share.",
    "Bjorck, Gomes, Selman & Weinberger 2018",
    "https://arxiv.org/abs/1806.02375",
    2018,
    "CIFAR-10, ResNet-110, batches of 128: training at several rates with and without batch norm; "
    "means and variances of channels by depth at the start; the steps before a divergence.",
    Protocol(
        f"{LAPTOP.words}, the first 6 of them; peaks of 0.05, 0.2, 0.8, 3.2 and 12.8, m = 64. "
        f"Growth at the start in a ResNet of 20 layers. A rate is bearable if the run ends at "
        f"{TRAINS:g} % or more.",
        lambda: _sweeps(LAPTOP, 3, LAPTOP.epochs),
        FACTOR,
        BECAUSE,
    ),
    Protocol(
        f"{GPU.words}, but 10 epochs; peaks of 0.1, 0.4, 1.6, 6.4 and 25.6. Growth at the start in "
        "a ResNet of 56 layers.",
        lambda: _sweeps(GPU, 9, 10),
        FACTOR,
        BECAUSE,
    ),
    "Paired by seed: the largest bearable rate is larger with batch norm; the common logarithm of "
    "the mean square that arrives at each norm's place rises over depth without norm, and more "
    "than with it; more of the rates end in divergence without it.",
    decide,
    "doublings",
)
