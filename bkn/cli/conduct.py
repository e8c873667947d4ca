"""Run sweeps to their end from the command line: time left, a progress bar, Ctrl-C."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from bkn.catalog import DATASETS
from bkn.cli.machine import require_device
from bkn.engine.conductor import Conductor
from bkn.engine.estimate import Estimate, duration, estimate
from bkn.fetch.state import require
from bkn.store.sweeps import DONE, JobRow, SweepRow, job_rows, left_of, sweep_row
from bkn.sweep import Job, Sweep

LOOK_EVERY = 0.25  # seconds
UNWATCHED_EVERY = 10.0  # seconds
ESTIMATE_EVERY = 3.0  # seconds
FORMAT = "{percentage:3.0f}%|{bar:24}| {desc}"


@dataclass(frozen=True)
class Outcome:
    """How a run of sweeps from the command line ended."""

    status: str  # finished; stopped: by Ctrl-C, by another, or because something broke
    ids: tuple[str, ...]  # of the sweeps
    message: str = ""  # why it was stopped, or what failed
    by_hand: bool = False  # Ctrl-C


def conduct(conductor: Conductor, sweeps: Sequence[Sweep], again: bool = False) -> Outcome:
    """Run these sweeps to their end, with a progress bar; Ctrl-C stops them.

    Args:
        conductor: runs them.
        sweeps: at the same time.
        again: what failed before is tried once more.
    """
    ids: list[str] = []
    try:
        for sweep in sweeps:
            ids.append(conductor.start(sweep, again))
        return _follow(conductor, ids, _unique(sweeps))
    except KeyboardInterrupt:
        for sweep_id in ids:
            conductor.stop(sweep_id)
        return Outcome("stopped", tuple(ids), by_hand=True)


def require_here(conductor: Conductor, sweeps: Sequence[Sweep], again: bool = False) -> None:
    """Refuse sweeps with jobs still to be trained whose images or device this machine lacks.

    Args:
        conductor: knows what is done.
        sweeps: whose jobs are looked at.
        again: what failed is to be trained once more.

    Raises:
        MissingData: saying how to fetch the images.
        ValueError: naming the devices that are here.
    """
    jobs = _unique(sweeps)
    rows = job_rows(conductor.reader, [job.id for job in jobs])
    left = left_of(jobs, rows, again)
    for key in dict.fromkeys(job.experiment.dataset for job in left):
        require(DATASETS[key])
    for name in {job.experiment.device for job in left}:
        require_device(name)


def timed_estimate(conductor: Conductor, sweeps: Sequence[Sweep], again: bool = False) -> Estimate:
    """How long these sweeps will take; a few steps are timed of what cannot be judged.

    Args:
        conductor: times and knows what is done.
        sweeps: at the same time.
        again: what failed is to be trained once more.
    """
    jobs = _unique(sweeps)
    if kinds := conductor.time(jobs, again):
        what = f"{kinds} kinds of experiments" if kinds > 1 else "one kind of experiment"
        print(f"timing a few steps of {what} ...", file=sys.stderr)
        _time(conductor, kinds)
    for why in conductor.untimed:
        print(f"some could not be timed: {why}", file=sys.stderr)
    if conductor.trouble:
        raise ValueError(conductor.trouble)
    return conductor.estimate(jobs, again)


def _time(conductor: Conductor, kinds: int) -> None:
    """Wait for the timing, with a bar where it takes a while."""
    with Bar(kinds) as bar:
        while (left := conductor.timing) and not conductor.trouble:
            bar.show(kinds - left, f"{kinds - left}/{kinds} timed")
            time.sleep(LOOK_EVERY)
        bar.show(kinds - left, f"{kinds - left}/{kinds} timed", last=True)


class Bar:
    """A progress bar; where nobody watches (a pipe, a log) it is told ten seconds apart."""

    def __init__(self, total: int):
        self._watched = sys.stderr.isatty()
        self._due = 0.0
        self._bar = tqdm(total=total, bar_format=FORMAT, mininterval=0.0, delay=1e-9)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, done: float, words: str, last: bool = False) -> None:
        """How far it is; the last word is always told."""
        self._bar.set_description_str(words, refresh=False)
        self._bar.n = round(done, 3)
        if self._watched or last or time.monotonic() >= self._due:
            self._due = time.monotonic() + UNWATCHED_EVERY
            self._bar.refresh()


def _unique(sweeps: Sequence[Sweep]) -> list[Job]:
    """Every job once, though several sweeps may hold it."""
    return list({job.id: job for sweep in sweeps for job in sweep.jobs}.values())


def _follow(conductor: Conductor, ids: Sequence[str], jobs: Sequence[Job]) -> Outcome:
    """Show how far it is until no sweep runs any more."""
    reader, estimate_at = conductor.reader, 0.0
    began, left, fraction = time.monotonic(), "", None
    with Bar(len(jobs)) as bar:
        while True:
            found = [sweep_row(reader, sweep_id) for sweep_id in ids]
            over = not any(row is not None and row.stored == "running" for row in found)
            rows = job_rows(reader, [job.id for job in jobs])
            done = _progress(jobs, rows)
            if done == len(jobs):
                _finish(conductor, found)
            fraction = done if fraction is None else fraction
            if time.monotonic() >= estimate_at:
                estimate_at = time.monotonic() + ESTIMATE_EVERY
                known = estimate(reader, jobs, conductor.slots, conductor.times, rows).seconds
                left = _left(known, done - fraction, len(jobs) - done, time.monotonic() - began)
            bar.show(done, _words(jobs, rows, "" if over else left), over)
            if over:
                break
            time.sleep(LOOK_EVERY)
    gone = [row for row in found if row is not None and row.stored == "stopped"]
    if gone:
        return Outcome("stopped", tuple(ids), gone[0].message or "It was stopped from elsewhere.")
    words = " ".join(row.message for row in found if row is not None and row.message)
    return Outcome("finished", tuple(ids), words)


def _finish(conductor: Conductor, found: Sequence[SweepRow | None]) -> None:
    """See to it that sweeps say that they are done whose owner was killed before it could."""
    for row in found:
        if row is not None and row.status == "interrupted":
            conductor.resume(row.id)


def _progress(jobs: Sequence[Job], rows: Mapping[str, JobRow]) -> float:
    """Jobs done, those under way by the share of their steps."""
    done = 0.0
    for job in jobs:
        row = rows.get(job.id)
        if row is not None and row.status in DONE:
            done += 1
        elif row is not None and row.status == "running":
            done += min(1.0, row.step / job.experiment.steps)
    return done


def _left(known: float | None, gained: float, rest: float, seconds: float) -> str:
    """The time that is left: by measured steps, else by the pace so far."""
    if known is None and gained > 0:
        known = rest * seconds / gained
    return "" if known is None else f"about {duration(known)} left"


def _words(jobs: Sequence[Job], rows: Mapping[str, JobRow], left: str) -> str:
    """12/54 done, 2 running, 1 diverged, about 3 min left."""
    statuses = [rows[job.id].status for job in jobs if job.id in rows]
    counts = [f"{sum(status in DONE for status in statuses)}/{len(jobs)} done"]
    for status in ("running", "diverged", "failed"):
        if count := statuses.count(status):
            counts.append(f"{count} {status}")
    return ", ".join([*counts, left] if left else counts)
