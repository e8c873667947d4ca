"""Sweeps and their jobs in the store.

A job is recorded as a race of one entrant whose id is the job's, so that its curves can be looked
at like those of any race, and nothing is ever recorded twice. A sweep is its definition: which
jobs belong to it follows from that.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bkn.experiment import Race
from bkn.store.reader import Reader
from bkn.store.schema import ACTIVE
from bkn.store.writer import Writer
from bkn.sweep import Job, Sweep

ALIVE = 5.0  # seconds after its last beat that an owner counts as alive
DONE = ("finished", "diverged", "failed")  # statuses of a job that is not run again
CHUNK = 500  # ids in one statement


@dataclass(frozen=True)
class SweepRow:
    """A sweep in the store."""

    id: str
    created: float  # seconds since the epoch
    definition: str  # JSON
    stored: str  # running, stopped or finished, as last written
    owner: str | None  # worker id of the conductor that runs it
    message: str
    beat: float | None  # last sign of life of the owner, seconds since the epoch

    @cached_property
    def sweep(self) -> Sweep:
        """What is swept; ValueError for a sweep that this version cannot run."""
        return Sweep.from_json(self.definition)

    @property
    def status(self) -> str:
        """running, stopped, finished, or interrupted: its owner is gone."""
        alive = self.beat is not None and time.time() - self.beat < ALIVE
        return "interrupted" if self.stored == "running" and not alive else self.stored


@dataclass(frozen=True)
class JobRow:
    """A job that has been begun: where it stands."""

    id: str
    status: str  # as of a run: queued, running, finished, diverged, failed, stopped, interrupted
    step: int
    message: str  # why it ended, in words
    summary: dict[str, float]  # figures of the end: test_accuracy, step_ms ...


@dataclass(frozen=True)
class Curve:
    """Test accuracy by step."""

    steps: NDArray[np.int64]
    accuracy: NDArray[np.float64]  # fractions


_SWEEPS = """
    SELECT sweep.id, sweep.created, sweep.definition, sweep.status, sweep.owner, sweep.message,
        worker.beat
    FROM sweep LEFT JOIN worker ON worker.id = sweep.owner
"""


def sweeps(reader: Reader, limit: int = 50) -> list[SweepRow]:
    """The latest sweeps, newest first."""
    found = reader.query(_SWEEPS + "ORDER BY sweep.created DESC LIMIT ?", (limit,))
    return [SweepRow(*row) for row in found]


def sweep_row(reader: Reader, sweep_id: str) -> SweepRow | None:
    """The sweep of that id, or None."""
    found = reader.query(_SWEEPS + "WHERE sweep.id=?", (sweep_id,))
    return SweepRow(*found[0]) if found else None


def job_rows(reader: Reader, ids: Sequence[str]) -> dict[str, JobRow]:
    """Those of these jobs that have been begun, by id."""
    rows: dict[str, JobRow] = {}
    for some in _chunks(ids):
        found = reader.query(
            "SELECT race, status, step, message, summary FROM run "
            f"WHERE race IN ({_marks(some)}) AND position=0",
            some,
        )
        for job_id, status, step, message, summary in found:
            rows[job_id] = JobRow(job_id, status, step, message, json.loads(summary))
    return rows


def left_of(jobs: Iterable[Job], rows: Mapping[str, JobRow], again: bool = False) -> list[Job]:
    """Those of these jobs that are to be trained.

    Args:
        jobs: of one or more sweeps.
        rows: where those stand that have been begun, see `job_rows`.
        again: what failed counts as left.
    """
    done = {key for key, row in rows.items() if row.status in DONE}
    if again:
        done -= {key for key, row in rows.items() if row.status == "failed"}
    return [job for job in jobs if job.id not in done]


def accuracy_curves(reader: Reader, ids: Sequence[str]) -> dict[str, Curve]:
    """Test accuracy by step of those jobs that have been tested, by id."""
    curves: dict[str, Curve] = {}
    for some in _chunks(ids):
        found = reader.query(
            "SELECT run.race, stream.columns, row.step, row.data FROM run "
            "JOIN stream ON stream.run=run.id AND stream.name='test' "
            "JOIN row ON row.stream=stream.id "
            f"WHERE run.race IN ({_marks(some)}) AND run.position=0 ORDER BY run.race, row.seq",
            some,
        )
        points: dict[str, list[tuple[int, float]]] = {}
        for race, columns, step, data in found:
            place = json.loads(columns).index("test_accuracy")
            accuracy = float(np.frombuffer(data, dtype=np.float32)[place])
            points.setdefault(race, []).append((step, accuracy))
        for race, pairs in points.items():
            table = np.array(pairs)
            curves[race] = Curve(table[:, 0].astype(np.int64), table[:, 1])
    return curves


def add_sweep(writer: Writer, sweep_id: str, sweep: Sweep, owner: str) -> None:
    """A new sweep that its owner runs."""
    writer.db.execute(
        "INSERT INTO sweep (id, created, definition, status, owner) VALUES (?, ?, ?, ?, ?)",
        (sweep_id, time.time(), sweep.to_json(), "running", owner),
    )


def set_sweep(
    writer: Writer, sweep_id: str, status: str, owner: str | None, message: str = ""
) -> None:
    """Where a sweep stands, and who runs it."""
    writer.db.execute(
        "UPDATE sweep SET status=?, owner=?, message=? WHERE id=?",
        (status, owner, message, sweep_id),
    )


def end_sweep(writer: Writer, sweep_id: str, owner: str, status: str, message: str) -> None:
    """Where a sweep ended and why, unless somebody else runs it now."""
    writer.db.execute(
        "UPDATE sweep SET status=?, owner=NULL, message=? WHERE id=? AND owner=?",
        (status, message, sweep_id, owner),
    )


def begin_job(writer: Writer, job: Job, owner: str, again: Iterable[str] = ()) -> int | None:
    """Take a job, inside a transaction: whatever was recorded of it before is forgotten.

    Args:
        writer: in a transaction, so that two conductors never take the same job.
        job: to be run.
        owner: worker id of the conductor.
        again: statuses of DONE with which it is run again all the same.

    Returns:
        The id of its run, or None if it is done, or in the hands of another who is alive.
    """
    found = writer.db.execute(
        "SELECT run.id, run.status, race.worker, worker.beat FROM race "
        "JOIN run ON run.race=race.id LEFT JOIN worker ON worker.id=race.worker WHERE race.id=?",
        (job.id,),
    ).fetchone()
    if found is None:
        writer.add_race(job.id, Race((job.experiment,), "off"), owner)
        writer.db.execute("UPDATE race SET job=? WHERE id=?", (job.to_json(), job.id))
        return writer.run_ids(job.id)[0]
    run_id, status, worker, beat = found
    if status in DONE and status not in again:
        return None
    alive = beat is not None and time.time() - beat < ALIVE
    if status in ACTIVE and worker != owner and alive:
        return None
    writer.db.execute("UPDATE race SET worker=? WHERE id=?", (owner, job.id))
    forget_job(writer, job.id, run_id)
    return int(run_id)


def forget_job(writer: Writer, job_id: str, run_id: int) -> None:
    """Take back all that was recorded of a job: it is queued, and may name other columns."""
    writer.rewind(job_id, -1)
    writer.db.execute("DELETE FROM stream WHERE run=?", (run_id,))
    writer.db.execute("DELETE FROM document WHERE run=?", (run_id,))
    writer.set_summary(run_id, {})
    writer.set_status(run_id, "queued", 0)


def has_begun(writer: Writer, run_id: int) -> bool:
    """Whether anything was recorded of a job's run."""
    found = writer.db.execute("SELECT 1 FROM stream WHERE run=?", (run_id,)).fetchone()
    return found is not None


def owns_job(writer: Writer, job_id: str, owner: str) -> bool:
    """Whether a job is still in these hands: it is taken from those that seem dead."""
    found = writer.db.execute("SELECT worker FROM race WHERE id=?", (job_id,)).fetchone()
    return found is not None and found[0] == owner


def status_of_job(writer: Writer, job_id: str) -> str:
    """Where a job stands; empty if it was never begun."""
    found = writer.db.execute(
        "SELECT status FROM run WHERE race=? AND position=0", (job_id,)
    ).fetchone()
    return found[0] if found else ""


def sweep_id_of(writer: Writer, sweep: Sweep) -> str | None:
    """The latest sweep that is equal to this one."""
    found = writer.db.execute(
        "SELECT id FROM sweep WHERE definition=? ORDER BY created DESC", (sweep.to_json(),)
    ).fetchone()
    return found[0] if found else None


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _chunks(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    rest = iter(dict.fromkeys(ids))
    while some := tuple(islice(rest, CHUNK)):
        yield some
