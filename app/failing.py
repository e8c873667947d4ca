"""Sentences about what went wrong: a lost worker, an exploded loss, a network that only guesses."""

from html import escape
from typing import TYPE_CHECKING

from app.figures.spec import listed, percent
from app.wording import COUNTS, name, rate

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache
    from bkn.store.records import RunRow

LATE = 0.3  # share of the race after which every network should do better than guessing
LUCK = 1.5  # times chance that still counts as guessing


def broken(cache: "RaceCache") -> str:
    """The process that trained is gone."""
    step = max((run.step for run in cache.runs), default=0)
    failed = [run for run in cache.runs if run.status == "failed"]
    if failed:
        reason = failed[0].message.strip().rstrip(".")
        return f"The race failed at step {step:,}" + (f": {escape(reason)}." if reason else ".")
    if any(run.status == "interrupted" for run in cache.runs):
        return f"The race was interrupted at step {step:,}; nothing moves until it is resumed."
    return ""


def diverged(cache: "RaceCache") -> str:
    """Losses that exploded."""
    gone = [run for run in cache.runs if run.status == "diverged"]
    if not gone:
        return ""
    if len(gone) == len(cache.runs) > 1:
        everyone = "Both" if len(gone) == 2 else f"All {COUNTS[len(gone)]}"
        return (
            f"{everyone} networks diverged, the last at step "
            f"{max(run.step for run in gone):,}: the learning rate of {rate(cache):g} is too much "
            "for them."
        )
    if len(gone) == len(cache.runs):
        return f"{who_diverged(cache, gone)}. The learning rate was {rate(cache):g}."
    left = len(cache.runs) - len(gone)
    others = "The other one" if left == 1 else f"The other {COUNTS[left]}"
    return f"{who_diverged(cache, gone)}. {others} did not."


def who_diverged(cache: "RaceCache", gone: list["RunRow"]) -> str:
    """Batch norm diverged at step 12: its loss exploded."""
    names = listed([name(cache, run.position) for run in gone])
    steps = listed([f"{step:,}" for step in sorted({run.step for run in gone})])
    if len(gone) == 1:
        return f"{names} diverged at step {steps}: its loss exploded"
    return f"{names} diverged at step{'s' if ' ' in steps else ''} {steps}: their losses exploded"


def guessing(cache: "RaceCache") -> str:
    """A network that has learned nothing: no better than naming any class."""
    chance = 1 / len(cache.race.common.dataset_card.classes)
    stuck = [
        (run, accuracy)
        for run in cache.runs
        if run.step >= LATE * cache.race.common.steps
        and (accuracy := cache.latest(run.position, "test_accuracy")) is not None
        and accuracy <= LUCK * chance
    ]
    if not stuck:
        return ""
    who = listed([name(cache, run.position) for run, _ in stuck])
    right = percent(max(accuracy for _, accuracy in stuck))
    step = f"{max(run.step for run, _ in stuck):,}"
    have, them = ("have", "them") if len(stuck) > 1 else ("has", "it")
    return (
        f"{who} {have} learned nothing by step {step}: {right} of the test images right, as good "
        f"as guessing one of {round(1 / chance)} classes. The learning rate of {rate(cache):g} may "
        f"be too much for {them}."
    )
