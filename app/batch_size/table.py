"""A sweep as a table: one cell per method and place of the grid, holding its runs, one per seed.

Everything the Batch size page draws or says is read from here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from bkn.entrants import parse_entrant
from bkn.experiment import Experiment
from bkn.results import Result
from bkn.stats import Interval, mean_interval
from bkn.sweep import AXES, Job, Sweep

Axis = Literal["micro_batch", "lr"]  # what a figure may have below it
OPEN = ("waiting", "queued", "running", "stopped", "interrupted", "paused")  # no result yet
BUSY = ("running", "paused")
FOREVER = float("inf")


class Place(NamedTuple):
    """Where in a sweep's grid."""

    dataset: str
    network: str
    batch: int
    micro_batch: int
    lr: float

    @classmethod
    def of(cls, settings: Mapping[str, Any] | Experiment) -> "Place":
        if isinstance(settings, Experiment):
            return cls(*(getattr(settings, name) for name in cls._fields))
        return cls(*(settings[name] for name in cls._fields))


@dataclass(frozen=True)
class Cell:
    """The runs of one method at one place."""

    entrant: str
    place: Place
    results: tuple[Result, ...]  # in the order of the seeds; none where nothing fits
    why: str = ""  # why nothing fits here

    @cached_property
    def values(self) -> dict[int, float]:
        """Final test accuracies by seed, fractions, as far as they are known."""
        known = ((one.seed, one.accuracy) for one in self.results)
        return {seed: value for seed, value in known if value is not None and np.isfinite(value)}

    @cached_property
    def mean(self) -> float | None:
        return float(np.mean(list(self.values.values()))) if self.values else None

    @cached_property
    def interval(self) -> Interval | None:
        """95 % t interval of the mean, from two seeds on."""
        return mean_interval(list(self.values.values())) if len(self.values) > 1 else None

    def count(self, *statuses: str) -> int:
        return sum(one.status in statuses for one in self.results)

    @property
    def busy(self) -> bool:
        return self.count(*BUSY) > 0

    @property
    def messages(self) -> list[str]:
        """Why runs failed or diverged: "seed 2 diverged: the training loss was inf"."""
        return [
            f"seed {one.seed} {one.status}" + (f": {said}" if said else "")
            for one in self.results
            if one.status in ("failed", "diverged")
            for said in [one.message.strip().rstrip(".")]
        ]

    @property
    def shown(self) -> Job | None:
        """The run that a click opens: one that runs, else one that went wrong, else the first."""
        begun = [one for one in self.results if one.status not in ("waiting", "queued")]
        for statuses in (BUSY, ("failed",), ("diverged",)):
            for one in begun:
                if one.status in statuses:
                    return one.job
        return begun[0].job if begun else None

    def steps_to(self, accuracy: float) -> dict[int, float]:
        """Steps to an accuracy by seed, as far as they are known; infinite: never."""
        known = ((one.seed, one.steps_to(accuracy)) for one in self.results)
        return {seed: steps for seed, steps in known if steps is not None}


@dataclass(frozen=True)
class Table:
    """All cells of a sweep."""

    sweep_id: str  # "" for the recorded one
    sweep: Sweep
    cells: Mapping[tuple[str, Place], Cell] = field(repr=False)

    @classmethod
    def of(cls, sweep_id: str, sweep: Sweep, results: Iterable[Result]) -> "Table":
        """Sort the results into the grid."""
        sorted_in: dict[tuple[str, Place], list[Result]] = {}
        for one in results:
            key = (one.entrant, Place.of(one.job.experiment))
            sorted_in.setdefault(key, []).append(one)
        cells = {key: Cell(*key, tuple(found)) for key, found in sorted_in.items()}
        for misfit in sweep.misfits:
            key = (misfit.entrant, Place.of(misfit.settings))
            cells[key] = Cell(*key, (), misfit.why)
        return cls(sweep_id, sweep, cells)

    @cached_property
    def experiments(self) -> tuple[Experiment, ...]:
        """One of each entrant, for its name and colour."""
        first: dict[str, Experiment] = {}
        for job in self.sweep.jobs:
            first.setdefault(job.experiment.entrant, job.experiment)
        return tuple(first.get(text) or stand_in(text) for text in self.entrants)

    @property
    def entrants(self) -> tuple[str, ...]:
        return self.sweep.methods

    @cached_property
    def baseline(self) -> str:
        """What the others are compared with at first: batch norm, or the first that has runs."""
        having = {entrant for (entrant, _), cell in self.cells.items() if cell.results}
        order = sorted(self.entrants, key=lambda entrant: entrant != "batch")
        return next(entrant for entrant in order if entrant in having)

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.sweep.seeds

    def values_of(self, field: str) -> tuple[Any, ...]:
        """What the sweep has on one axis; numbers in their order."""
        plural = next(name for name, single in AXES.items() if single == field)
        found: tuple[Any, ...] = getattr(self.sweep, plural)
        return tuple(sorted(found)) if not isinstance(found[0], str) else found

    def along(self, axis: Axis, entrant: str, at: Place) -> list[Cell]:
        """A method's cells on a line through a place."""
        return [self.cells[entrant, at._replace(**{axis: value})] for value in self.values_of(axis)]

    def row(self, at: Place) -> list[list[Cell]]:
        """All methods' cells by micro-batch, at a place."""
        return [self.along("micro_batch", entrant, at) for entrant in self.entrants]

    def done(self) -> int:
        """Runs that are over."""
        return sum(one.status not in OPEN for cell in self.cells.values() for one in cell.results)


def stand_in(text: str) -> Experiment:
    """An experiment of a method that fits nowhere in its sweep, for its name and colour."""
    method, options = parse_entrant(text)
    return Experiment(method=method, options=options)
