"""Training one job of a sweep: headless, on one thread, the same bits whatever executes it.

figures of the start; a diagnosis, if asked for
for step in steps: advance                  recorded by step, not by time: at most ROWS rows
figures of the end; a diagnosis, if asked for
finish                                      test; the summary carries all figures
"""

import math
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from bkn.experiment import Race
from bkn.sweep import Job
from bkn.training import measures
from bkn.training.device import training_threads
from bkn.training.race import RaceTrainer
from bkn.training.sink import Nowhere, Sink

ROWS = 400  # of training losses that a job records, at the most
TELL_EVERY = 0.4  # seconds between words of how far it is, at the most
TIMED = (3, 30)  # steps that are timed, at least and at most
TIME_WITHIN = 1.5  # seconds that timing takes, if TIMED allows

Pulse = Callable[[], None]


def unhurried() -> None:
    """Nobody wants to know."""


def run_job(job: Job, sink: Sink, pulse: Pulse | None = None) -> None:
    """Train a job to its end and tell the sink, as run 0 of a race of one.

    Its summary also holds the figures of `bkn.training.measures` and `wall_seconds`, the time of
    all of it.

    Args:
        job: what to train, and whether it is diagnosed.
        sink: hears of rows, statuses, events and the summary.
        pulse: called after every step and between passes of a diagnosis; what it raises ends
            the job.

    Raises:
        ValueError: if the job's device is not on this machine.
    """
    beat, gathering = pulse or unhurried, Gathering(sink)
    with training_threads(1):
        trainer = RaceTrainer(Race((job.experiment,), "off"), gathering, record_every=math.inf)
        gathering.figures |= measures.at_start(trainer)
        if job.diagnose == "start":
            trainer.diagnose({"run": 0}, beat, seconds=math.inf)
        train(trainer, gathering, beat)
        if not trainer.entrants[0].active:
            return  # it diverged, and has said so
        gathering.figures |= measures.at_end(trainer)
        if job.diagnose == "end":
            trainer.diagnose({"run": 0}, beat, seconds=math.inf)
        trainer.finish()


def train(trainer: RaceTrainer, sink: Sink, pulse: Pulse) -> None:
    """All steps; says at times how far it is, should rows be rare."""
    every = math.ceil(trainer.steps / ROWS)
    said = time.monotonic()
    while not trainer.finished:
        after = trainer.step + 1
        trainer.advance(record=after % every == 0 or after == trainer.steps)
        if time.monotonic() - said >= TELL_EVERY and not trainer.finished:
            said = time.monotonic()
            sink.status(0, "running", trainer.step)
        pulse()


def time_job(job: Job, pulse: Pulse | None = None) -> float:
    """Milliseconds of a step of this job, tests included, measured on a few steps.

    Raises:
        ValueError: if the job's device is not on this machine.
    """
    beat = pulse or unhurried
    times: list[float] = []  # seconds
    with training_threads(1):
        trainer = RaceTrainer(Race((job.experiment,), "off"), Nowhere(), record_every=0.0)
        trainer.advance()  # the first one is the slow one
        began = time.monotonic()
        while not trainer.finished and len(times) < TIMED[1]:
            if len(times) >= TIMED[0] and time.monotonic() - began > TIME_WITHIN:
                break
            before = time.perf_counter()
            trainer.advance()
            times.append(time.perf_counter() - before)
            beat()
        before = time.perf_counter()
        trainer.entrants[0].test()
        test = (time.perf_counter() - before) / trainer.test_every
    return 1e3 * (median(times or [0.0]) + test)


class Gathering:
    """A sink that adds figures to the summary and picks those of a diagnosis, else passes on.

    Args:
        sink: where everything goes.
    """

    def __init__(self, sink: Sink):
        self._sink, self._began = sink, time.perf_counter()
        self.figures: dict[str, float] = {}
        self.columns, self.row, self.status = sink.columns, sink.row, sink.status
        self.document, self.snapshot = sink.document, sink.snapshot
        self.drop_snapshots = sink.drop_snapshots

    def event(self, step: int, kind: str, payload: Mapping[str, Any]) -> None:
        if kind == "diagnosis":
            self.figures |= measures.of_report(payload)
        self._sink.event(step, kind, payload)

    def summary(self, run: int, values: Mapping[str, float]) -> None:
        wall = {"wall_seconds": time.perf_counter() - self._began}
        self._sink.summary(run, {**self.figures, **wall, **values})
