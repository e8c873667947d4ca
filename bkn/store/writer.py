"""Writes to the store, in transactions of the caller's making.

    with writer.transaction():
        writer.add_row(...)
        writer.set_status(...)

A worker has one Writer for its race, owned by one thread; the supervisor opens one when it has
something to note. Races are guarded: `claim` tells whether this worker still owns the race.
"""

import json
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bkn.experiment import Race
from bkn.store.costs import ADD_COST, Cost
from bkn.store.errors import StoreError, in_words
from bkn.store.schema import ACTIVE, open_for_writing

_ACTIVE = ", ".join(f"'{status}'" for status in ACTIVE)


class Writer:
    """A connection that writes; use it from the thread that made it.

    Args:
        path: the database; made if missing.
        timeout: seconds to wait for other writers.

    Raises:
        StoreError: by every method, when the store cannot be written.
    """

    def __init__(self, path: Path, timeout: float = 5.0):
        self.path = path
        self.db = open_for_writing(path, timeout)
        self._streams: dict[tuple[int, str], tuple[int, int]] = {}  # -> stream id, last seq

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; on failure nothing is written and the last numbers are forgotten."""
        with in_words(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                self._streams.clear()
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    # Races and runs

    def add_race(self, race_id: str, race: Race, worker: str | None = None) -> None:
        """A new race, its runs queued."""
        self.db.execute(
            "INSERT INTO race (id, created, definition, worker) VALUES (?, ?, ?, ?)",
            (race_id, time.time(), race.to_json(), worker),
        )
        for position, experiment in enumerate(race.experiments):
            self.db.execute(
                "INSERT INTO run (race, position, experiment, label) VALUES (?, ?, ?, ?)",
                (race_id, position, experiment.to_json(), experiment.label),
            )

    def run_ids(self, race_id: str) -> list[int]:
        found = self.db.execute("SELECT id FROM run WHERE race=? ORDER BY position", (race_id,))
        return [run_id for (run_id,) in found]

    def set_status(self, run_id: int, status: str, step: int, message: str = "") -> None:
        self.db.execute(
            "UPDATE run SET status=?, step=?, message=? WHERE id=?",
            (status, step, message, run_id),
        )

    def set_summary(self, run_id: int, values: Mapping[str, float]) -> None:
        self.db.execute("UPDATE run SET summary=? WHERE id=?", (json.dumps(dict(values)), run_id))

    def end_race(self, race_id: str, status: str, message: str) -> int:
        """Mark every run that is not over; returns how many were marked."""
        return self.db.execute(
            f"UPDATE run SET status=?, message=? WHERE race=? AND status IN ({_ACTIVE})",
            (status, message, race_id),
        ).rowcount

    def release(self, race_id: str) -> None:
        """Take the race from its worker: should that come back to life, it may not write."""
        self.db.execute("UPDATE race SET worker=NULL WHERE id=?", (race_id,))

    def set_checkpoint(self, race_id: str, step: int | None) -> None:
        """Note that the checkpoint on disk was taken after this step; None: there is none."""
        self.db.execute("UPDATE race SET checkpoint=? WHERE id=?", (step, race_id))

    def hand_over(self, race_id: str, worker: str) -> None:
        """Give an interrupted or stopped race to a new worker; its open runs queue again."""
        self.db.execute("UPDATE race SET worker=? WHERE id=?", (worker, race_id))
        self.db.execute(
            "UPDATE run SET status='queued', message='' "
            "WHERE race=? AND status IN ('interrupted', 'stopped')",
            (race_id,),
        )

    def rewind(self, race_id: str, step: int) -> None:
        """Take back the rows and events later than a step, for a race that continues there."""
        self._streams.clear()
        self.db.execute(
            "DELETE FROM row WHERE step>? AND stream IN (SELECT stream.id FROM stream "
            "JOIN run ON run.id=stream.run WHERE run.race=?)",
            (step, race_id),
        )
        self.db.execute(
            "DELETE FROM snapshot WHERE step>? AND run IN (SELECT id FROM run WHERE race=?)",
            (step, race_id),
        )
        self.db.execute("DELETE FROM event WHERE race=? AND step>?", (race_id, step))
        self.db.execute("UPDATE race SET rewinds=rewinds+1 WHERE id=?", (race_id,))

    # What a race records

    def set_columns(self, run_id: int, stream: str, names: Sequence[str]) -> None:
        """Name a stream's columns; a continued race names them again, the same."""
        given = json.dumps(list(names))
        self.db.execute(
            "INSERT INTO stream (run, name, columns) VALUES (?, ?, ?) "
            "ON CONFLICT (run, name) DO NOTHING",
            (run_id, stream, given),
        )
        (known,) = self.db.execute(
            "SELECT columns FROM stream WHERE run=? AND name=?", (run_id, stream)
        ).fetchone()
        if known != given:
            raise ValueError(f"stream {stream!r} has other columns already: {known}, not {given}")

    def add_row(
        self, run_id: int, stream: str, step: int, time: float, values: Sequence[float]
    ) -> None:
        """Append one row; `time` is in seconds since the race's start."""
        stream_id, last = self._streams.get((run_id, stream)) or self._find(run_id, stream)
        self._streams[run_id, stream] = stream_id, last + 1
        self.db.execute(
            "INSERT INTO row (stream, seq, step, time, data) VALUES (?, ?, ?, ?, ?)",
            (stream_id, last + 1, step, time, array("f", values).tobytes()),
        )
        self.db.execute("UPDATE run SET step=? WHERE id=? AND step<?", (step, run_id, step))

    def add_event(
        self, race_id: str, step: int, time: float, kind: str, payload: Mapping[str, Any]
    ) -> None:
        self.db.execute(
            "INSERT INTO event (race, step, time, kind, payload) VALUES (?, ?, ?, ?, ?)",
            (race_id, step, time, kind, json.dumps(dict(payload))),
        )

    def set_document(self, run_id: int, name: str, body: str) -> None:
        """What a run says once, as JSON; said again, the new text counts."""
        self.db.execute(
            "INSERT INTO document (run, name, body) VALUES (?, ?, ?) "
            "ON CONFLICT (run, name) DO UPDATE SET body=excluded.body",
            (run_id, name, body),
        )

    def add_snapshot(self, run_id: int, step: int, time: float, data: bytes) -> None:
        """Keep what a probe saw after a step, packed by the run's layout (bkn/snapshot.py)."""
        self.db.execute(
            "INSERT INTO snapshot (run, step, time, data) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (run, step) DO UPDATE SET time=excluded.time, data=excluded.data",
            (run_id, step, time, data),
        )

    def replace_snapshot(self, run_id: int, step: int, data: bytes) -> None:
        """Put other bytes in a snapshot's place."""
        self.db.execute("UPDATE snapshot SET data=? WHERE run=? AND step=?", (data, run_id, step))

    def drop_snapshots(self, run_id: int, steps: Sequence[int]) -> None:
        """Forget snapshots of these steps: a long run keeps every second one."""
        self.db.executemany(
            "DELETE FROM snapshot WHERE run=? AND step=?", [(run_id, step) for step in steps]
        )

    def _find(self, run_id: int, stream: str) -> tuple[int, int]:
        """Id and last number of a stream."""
        found = self.db.execute(
            "SELECT id, (SELECT coalesce(max(seq), 0) FROM row WHERE stream=stream.id) "
            "FROM stream WHERE run=? AND name=?",
            (run_id, stream),
        ).fetchone()
        if found is None:
            raise ValueError(f"stream {stream!r} of run {run_id} has no columns yet")
        return found[0], found[1]

    # What methods cost

    def add_cost(self, cost: Cost) -> None:
        self.db.execute(ADD_COST, cost.row())

    # Workers

    def beat(self, worker: str, pid: int, state: str) -> float:
        """The worker lives: note the time, which is returned, and its state (see WorkerRow)."""
        now = time.time()
        self.db.execute(
            "INSERT INTO worker (id, pid, started, beat, state) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET beat=excluded.beat, state=excluded.state",
            (worker, pid, now, now, state),
        )
        return now

    def claim(self, race_id: str, worker: str) -> None:
        """Make sure, inside a transaction, that the race still belongs to this worker.

        Raises:
            StoreError: kind "lost", when the race was given to another or marked as over.
        """
        found = self.db.execute("SELECT worker FROM race WHERE id=?", (race_id,)).fetchone()
        if found is None or found[0] != worker:
            raise StoreError(f"race {race_id} no longer belongs to worker {worker}", "lost")

    def knows_worker(self, worker: str) -> bool:
        found = self.db.execute("SELECT 1 FROM worker WHERE id=?", (worker,)).fetchone()
        return found is not None

    def forget_worker(self, worker: str) -> None:
        self.db.execute("DELETE FROM worker WHERE id=?", (worker,))
