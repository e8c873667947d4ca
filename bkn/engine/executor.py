"""What trains jobs, whichever way: `Executor`, and the `News` by which it says what happened.

An executor only trains and tells. Which job comes next, what is written to the store, and what
follows when a worker is lost, is the conductor's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from bkn.sweep import Job

BEGUN = "begun"  # an attempt begins: what an earlier attempt told is forgotten
TOLD = "told"  # a batch of what the trainer told, see bkn/engine/told.py
DONE = "done"  # the attempt came to its own end: its status is in what it told
FAILED = "failed"  # it raised, and would raise again: not retried
LOST = "lost"  # its process or node died
TIMED = "timed"  # a measurement: told is [["step_ms", milliseconds]]
KINDS = (BEGUN, TOLD, DONE, FAILED, LOST, TIMED)


@dataclass(frozen=True)
class News:
    """Something that happened to a job; of one job they come in order."""

    job_id: str
    kind: str  # one of KINDS
    told: Sequence[list[Any]] = ()  # in order; may come with any kind
    message: str = ""  # why it failed, or how it was lost: a sentence


class Executor(Protocol):
    """Trains jobs, several at a time. Used by one thread."""

    slots: int  # jobs at a time

    def submit(self, job: Job) -> None:
        """Train it as soon as a slot is free; at most `slots` are submitted and not over."""

    def poll(self, timeout: float) -> list[News]:
        """What happened since, in order; waits at most `timeout` seconds for the first."""

    def cancel(self, job_id: str) -> None:
        """End it soon. No more news of it need follow; what still does is not listened to."""

    def close(self) -> None:
        """End everything, processes included."""


@runtime_checkable
class Timing(Protocol):
    """An executor that can also take a few steps of a job only to time them."""

    def time(self, job: Job) -> None:
        """Like `submit`, and takes a slot; ends with TIMED, FAILED or LOST."""
