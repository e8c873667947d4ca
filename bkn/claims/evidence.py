"""Results of a claim's jobs, asked for by what was trained: values by seed."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from bkn.claims.decisions import BySeed
from bkn.entrants import entrant_text, parse_entrant
from bkn.experiment import Experiment
from bkn.results import Result

Measure = Callable[[Result], float | None]
Wanted = Any  # a value, or a function that makes it from the Experiment


def points(result: Result) -> float | None:
    """Final test accuracy in %; guessing where the run diverged."""
    return None if result.accuracy is None else 100 * result.accuracy


def figure(name: str, factor: float = 1.0) -> Measure:
    """A figure of the summary, times a factor."""

    def measure(result: Result) -> float | None:
        value = result.summary.get(name)
        return None if value is None else factor * value

    return measure


class Evidence:
    """Looks up results.

    Args:
        results: of a protocol's jobs.
    """

    def __init__(self, results: Sequence[Result]):
        self.results = results

    def runs(self, entrant: str, **where: Wanted) -> dict[int, Result]:
        """Results by seed of one entrant.

        Args:
            entrant: such as "kalman:gain=0.95".
            where: fields of the Experiment and the values they must have, or functions that make
                the value from the Experiment.

        Raises:
            ValueError: if no job fits, or two of the same seed do: the protocol is not the one
                that the claim is decided by.
        """
        text = entrant_text(*parse_entrant(entrant))
        found: dict[int, Result] = {}
        for result in self.results:
            if result.entrant == text and _fits(result.job.experiment, where):
                if result.seed in found:
                    raise ValueError(f"several jobs of {text} fit {_told(where)}")
                found[result.seed] = result
        if not found:
            raise ValueError(f"no job of {text} fits {_told(where)}")
        return found

    def of(self, entrant: str, measure: Measure = points, **where: Wanted) -> dict[int, float]:
        """Values by seed of one entrant, see `runs`; of seeds whose value is not known none.

        Args:
            entrant: such as "kalman:gain=0.95".
            measure: what of a result counts.
            where: as of `runs`.
        """
        values = {seed: measure(one) for seed, one in self.runs(entrant, **where).items()}
        return {seed: v for seed, v in values.items() if v is not None and isfinite(v)}

    def values(self, field: str, entrant: str | None = None) -> list[Any]:
        """All values of a field of the Experiments, smallest first; of one entrant or of all."""
        text = entrant and entrant_text(*parse_entrant(entrant))
        chosen = (r for r in self.results if text is None or r.entrant == text)
        return sorted({getattr(r.job.experiment, field) for r in chosen})


def minus(a: BySeed, b: BySeed) -> dict[int, float]:
    """Differences of the seeds that both have."""
    return {seed: a[seed] - b[seed] for seed in sorted(set(a) & set(b))}


def slope(at: Mapping[float, BySeed]) -> dict[int, float]:
    """By seed the slope of the least-squares line through (x, value); seeds with all x only."""
    xs = list(at)
    seeds = set.intersection(*(set(values) for values in at.values()))
    return {seed: float(np.polyfit(xs, [at[x][seed] for x in xs], 1)[0]) for seed in sorted(seeds)}


def all_images(experiment: Experiment) -> int:
    """The micro-batch with which statistics run over the whole step."""
    return experiment.step_images


def _fits(experiment: Experiment, where: Mapping[str, Wanted]) -> bool:
    return all(
        getattr(experiment, name) == (wanted(experiment) if callable(wanted) else wanted)
        for name, wanted in where.items()
    )


def _told(where: Mapping[str, Wanted]) -> str:
    return ", ".join(f"{name}={value}" for name, value in where.items()) or "the protocol"
