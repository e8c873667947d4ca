"""One sentence in plain words: what stands out now.

Rules are asked from the most to the least striking; the first that has something to say is heard.
Each says only what the recorded numbers say at this moment.
"""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from app.failing import broken, diverged, guessing
from app.figures.factors import estimating, latest_factors
from app.figures.spec import nats, percent
from app.figures.training import smoothed
from app.wording import COUNTS, images, name

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache
    from bkn.store.records import RunRow

GAP = 3.0  # times that training and test loss differ before it is worth saying
POOR = 0.5  # nats; a test loss below this is no failure
EXACT = 1.15  # factors below this count as nearly exact
EARLY = 0.1  # share of the race in which gaps only show that learning starts


class Standing(NamedTuple):
    """How far off one entrant's estimates are: its worst layer."""

    position: int
    layer: str
    worst: float  # factor
    best: float  # factor of its best layer


def plain_words(cache: "RaceCache") -> str:
    """The sentence as HTML: names of methods in their colours, all text escaped."""
    for rule in RULES:
        if said := rule(cache):
            return said
    return expectation(cache)


def loss_gap(cache: "RaceCache") -> str:
    """Training and test loss far apart: training sees other statistics than evaluation."""
    found = [gap for run in cache.runs if (gap := gap_of(cache, run))]
    if not found:
        return ""
    ratio, position, train, test = max(found)
    who, often = name(cache, position), f"{ratio:.0f}" if ratio < 1000 else "over a thousand"
    accuracy = cache.latest(position, "test_accuracy")
    right = "" if accuracy is None else f", {percent(accuracy)} of the images right"
    if train > test:
        return (
            f"With statistics from {images(cache)}, {who} has a training loss {often} times its "
            f"test loss ({nats(train)} against {nats(test)} nats{right}): training feels the "
            "noise of small batches, testing uses running statistics."
        )
    return (
        f"{who} does worse on new images: a loss of {nats(test)} nats against {nats(train)} in "
        f"training{right}."
    )


def gap_of(cache: "RaceCache", run: "RunRow") -> tuple[float, int, float, float] | None:
    """Ratio, position, training loss and test loss at the latest test, if far apart."""
    tested = cache.curve(run.position, "test_loss")
    steps, mean, _ = smoothed(cache, run.position)
    known = np.isfinite(mean)
    if not len(tested.steps) or not known.any():
        return None
    step, test = int(tested.steps[-1]), float(tested.values[-1])
    if step < EARLY * cache.race.common.steps or not np.isfinite(test):
        return None
    train = float(np.interp(step, steps[known], mean[known]))
    ratio = max(train, 1e-9) / max(test, 1e-9)
    if ratio > 1 and not cache.race.experiments[run.position].method_card.batch_statistics:
        return None  # its training feels nothing of other images; what is seen is chance
    if ratio < 1 and test < POOR:
        return None  # every network knows its training images better; that is no news
    ratio = max(ratio, 1 / ratio)
    return (ratio, run.position, train, test) if ratio >= GAP else None


def estimate_errors(cache: "RaceCache") -> str:
    """Which method misjudges which layer, and who does better."""
    standings = sorted(filter(None, (standing(cache, p) for p in estimating(cache))),
                       key=lambda one: one.worst)  # fmt: skip
    if not standings:
        return ""
    start, worst, best = f"With statistics from {images(cache)}", standings[-1], standings[0]
    if worst.worst < EXACT:
        whose = f"{name(cache, worst.position)}'s" if len(standings) == 1 else "all"
        at_most = f"off by a factor of {worst.worst:.2f} at most"
        return f"{start}, {whose} variance estimates are nearly exact, {at_most}."
    said = (
        f"{start}, {name(cache, worst.position)} misjudges the variance of {escape(worst.layer)} "
        f"by a factor of {worst.worst:.1f}"
    )
    if len(standings) == 1:
        varied = worst.best < worst.worst / 1.2
        return f"{said}; its best layer is off by {worst.best:.1f}." if varied else f"{said}."
    if best.worst > worst.worst / 1.1:
        others = "the others do" if len(standings) > 2 else f"{name(cache, best.position)} does"
        return f"{said}; {others} little better."
    if best.worst < EXACT:
        return f"{said}; {name(cache, best.position)} is nearly exact in every layer."
    return f"{said}; {name(cache, best.position)} is nowhere off by more than {best.worst:.1f}."


def standing(cache: "RaceCache", position: int) -> Standing | None:
    """The worst layer of one entrant now; None before its first probe."""
    factors = {la: float(v) for la, v in latest_factors(cache, position).items() if np.isfinite(v)}
    if not factors:
        return None
    worst = max(factors, key=lambda layer: factors[layer])
    return Standing(position, worst, factors[worst], min(factors.values()))


def leader(cache: "RaceCache") -> str:
    """Who recognises most test images."""
    known = [
        (accuracy, run.position)
        for run in cache.runs
        if (accuracy := cache.latest(run.position, "test_accuracy")) is not None
        and np.isfinite(accuracy)
    ]
    if not known:
        return ""
    known.sort(reverse=True)
    (top, position), step = known[0], max(run.step for run in cache.runs)
    start = f"After {step:,} {'step' if step == 1 else 'steps'}, {name(cache, position)}"
    if len(known) == 1:
        return f"{start} recognises {percent(top)} of the test images."
    ahead = 100 * (top - known[-1][0])
    if ahead < 0.05:
        return f"After {step:,} steps all recognise {percent(top)} of the test images."
    return (
        f"{start} recognises most test images, {percent(top)}; "
        f"{name(cache, known[-1][1])} the fewest, {percent(known[-1][0])}."
    )


def lowest_loss(cache: "RaceCache") -> str:
    """Before the first test: whose training loss is lowest."""
    known = []
    for run in cache.runs:
        mean = smoothed(cache, run.position)[1]
        if np.isfinite(mean).any():
            known.append((float(mean[np.isfinite(mean)][-1]), run.position))
    if not known:
        return ""
    low, position = min(known)
    step = max(run.step for run in cache.runs)
    after = f"After {step:,} {'step' if step == 1 else 'steps'}"
    if len(known) == 1:
        return f"{after}, {name(cache, position)} has a training loss of {nats(low)} nats."
    return f"{after}, {name(cache, position)} has the lowest training loss, {nats(low)} nats."


def expectation(cache: "RaceCache") -> str:
    """Before the first numbers: what is going to happen."""
    count = len(cache.race.experiments)
    if count == 1:
        return f"{name(cache, 0)} starts now, on micro-batches of {images(cache)}."
    return (
        f"{COUNTS[count].capitalize()} networks start from the same weights and see the same "
        f"images in the same order, with statistics from {images(cache)}: only the normalization "
        "differs."
    )


RULES: tuple[Callable[["RaceCache"], str], ...] = (
    broken, diverged, guessing, loss_gap, estimate_errors, leader, lowest_loss,
)  # fmt: skip
