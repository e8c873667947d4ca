"""What the reader returns: races, runs, rows, events and workers as plain records."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bkn.experiment import Experiment, Race

# A race is what its liveliest run is.
_BY_LIVELINESS = (
    "running", "paused", "queued", "interrupted", "failed", "stopped", "finished", "diverged",
)  # fmt: skip


@dataclass(frozen=True)
class RaceRow:
    """A race in the store; `race` is parsed when first asked for."""

    id: str
    created: float  # seconds since the epoch
    definition: str  # JSON
    worker: str | None  # id of the worker that owns it
    checkpoint: int | None  # step that it could continue from
    rewinds: int  # how often rows were taken back to continue from a checkpoint
    pid: int | None
    beat: float | None  # last sign of life of the worker, seconds since the epoch
    statuses: str | None
    job: str | None  # JSON: it is a job of sweeps

    @cached_property
    def race(self) -> Race:
        """What is raced; ValueError for a race that this version cannot run."""
        return Race.from_json(self.definition)

    @property
    def status(self) -> str:
        """That of its liveliest run: running before paused before queued and so on."""
        found = (self.statuses or "").split(",")
        return next((status for status in _BY_LIVELINESS if status in found), "queued")

    @property
    def active(self) -> bool:
        return self.status in _BY_LIVELINESS[:3]


@dataclass(frozen=True)
class RunRow:
    """One entrant of a race: where it stands."""

    id: int
    position: int  # in the race, from 0
    definition: str  # JSON
    label: str
    status: str
    step: int  # latest recorded
    message: str  # why it ended, in words
    summary: dict[str, float]

    @cached_property
    def experiment(self) -> Experiment:
        return Experiment.from_json(self.definition)


@dataclass(frozen=True)
class Rows:
    """Recorded rows of one stream, in order."""

    seq: NDArray[np.int64]  # (n,)
    step: NDArray[np.int64]  # (n,)
    time: NDArray[np.float64]  # (n,) seconds since the race's start
    values: NDArray[np.float32]  # (n, columns)

    def __len__(self) -> int:
        return len(self.seq)

    @classmethod
    def none(cls, columns: int) -> "Rows":
        whole = np.zeros(0, dtype=np.int64)
        return cls(whole, whole, np.zeros(0), np.zeros((0, columns), dtype=np.float32))


@dataclass(frozen=True)
class EventRow:
    """Something that happened to the whole race, mostly by hand."""

    id: int
    step: int
    time: float  # seconds since the race's start
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class WorkerRow:
    """A worker process."""

    id: str
    pid: int
    started: float  # seconds since the epoch
    beat: float  # seconds since the epoch
    state: str  # starting, idle or racing
