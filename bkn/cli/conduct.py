"""Run sweeps to their end from the command line: time left, a progress bar, Ctrl-C."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from bkn.catalog import DATASETS
from bkn.engine.conductor import Conductor
from bkn.engine.estimate import Estimate, duration, estimate
from bkn.fetch.state import require
from bkn.store.sweeps import DONE, JobRow, job_rows, sweep_row
from bkn.sweep import Job, Sweep

LOOK_EVERY = 0.25  # seconds
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


def require_images(conductor: Conductor, sweeps: Sequence[Sweep]) -> None:
    """Refuse sweeps with jobs still to be trained whose images are not on this machine.

    Raises:
        MissingData: saying how to fetch them.
    """
    jobs = _unique(sweeps)
    rows = job_rows(conductor.reader, [job.id for job in jobs])
    left = [job for job in jobs if job.id not in rows or rows[job.id].status not in DONE]
    for key in dict.fromkeys(job.experiment.dataset for job in left):
        require(DATASETS[key])


def timed_estimate(conductor: Conductor, sweeps: Sequence[Sweep]) -> Estimate:
    """How long these sweeps will take; a few steps are timed of what cannot be judged."""
    jobs = _unique(sweeps)
    kinds = conductor.time(jobs)
    if kinds:
        print(f"timing a few steps of {kinds} kinds of experiments ...", file=sys.stderr)
    while conductor.timing and not conductor.trouble:
        time.sleep(LOOK_EVERY)
    if conductor.trouble:
        raise ValueError(conductor.trouble)
    return conductor.estimate(jobs)


def _unique(sweeps: Sequence[Sweep]) -> list[Job]:
    """Every job once, though several sweeps may hold it."""
    return list({job.id: job for sweep in sweeps for job in sweep.jobs}.values())


def _follow(conductor: Conductor, ids: Sequence[str], jobs: Sequence[Job]) -> Outcome:
    """Show how far it is until no sweep runs any more."""
    reader, estimate_at = conductor.reader, 0.0
    began, left, fraction = time.monotonic(), "", None
    with tqdm(total=len(jobs), bar_format=FORMAT, mininterval=0.0) as bar:
        while True:
            found = [sweep_row(reader, sweep_id) for sweep_id in ids]
            over = not any(row is not None and row.stored == "running" for row in found)
            rows = job_rows(reader, [job.id for job in jobs])
            done = _progress(jobs, rows)
            fraction = done if fraction is None else fraction
            if time.monotonic() >= estimate_at:
                estimate_at = time.monotonic() + ESTIMATE_EVERY
                known = estimate(reader, jobs, conductor.slots, conductor.times, rows).seconds
                left = _left(known, done - fraction, len(jobs) - done, time.monotonic() - began)
            bar.set_description_str(_words(jobs, rows, "" if over else left), refresh=False)
            bar.n = round(done, 3)
            bar.refresh()
            if over:
                break
            time.sleep(LOOK_EVERY)
    gone = [row for row in found if row is not None and row.stored == "stopped"]
    if gone:
        return Outcome("stopped", tuple(ids), gone[0].message or "It was stopped from elsewhere.")
    words = " ".join(row.message for row in found if row is not None and row.message)
    return Outcome("finished", tuple(ids), words)


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
