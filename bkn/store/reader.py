"""Reads the store: races, runs, rows, events, workers. Never writes.

Safe to call from several threads. A store that does not exist yet reads as empty.
"""

import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bkn.store.costs import LATEST_COSTS, Cost
from bkn.store.errors import StoreError, in_words
from bkn.store.records import EventRow, RaceRow, Rows, RunRow, WorkerRow
from bkn.store.schema import ACTIVE, VERSION, version

PAGE = 5000  # rows read at once

_RACES = """
    SELECT race.id, race.created, race.definition, race.worker, race.checkpoint, race.rewinds,
        worker.pid, worker.beat,
        (SELECT group_concat(DISTINCT run.status) FROM run WHERE run.race = race.id), race.job
    FROM race LEFT JOIN worker ON worker.id = race.worker
"""


class Reader:
    """A read-only view of one store.

    Args:
        path: the database; may appear later.
        immutable: nobody writes to it any more (a recorded race in the repository): it is read
            without locks and without files of SQLite's own beside it.

    Raises:
        StoreError: by every method, for a store that is damaged or from the future.
    """

    def __init__(self, path: Path, immutable: bool = False):
        self.path, self.immutable = Path(path), immutable
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # device and inode of what is open
        self._ready = False  # the tables are there
        self._opened = 0  # how often

    def close(self) -> None:
        with self._lock:
            self._drop()

    def news(self) -> tuple[int, int]:
        """Another value whenever something has been written since; costs next to nothing."""
        found = self.query("PRAGMA data_version")
        return self._opened, found[0][0] if found else 0

    def race(self, race_id: str) -> RaceRow | None:
        found = self.query(_RACES + "WHERE race.id=?", (race_id,))
        return RaceRow(*found[0]) if found else None

    def races(self, limit: int = 50) -> list[RaceRow]:
        """The latest races, newest first."""
        found = self.query(_RACES + "ORDER BY race.created DESC LIMIT ?", (limit,))
        return [RaceRow(*row) for row in found]

    def active_races(self) -> list[RaceRow]:
        """Races with a run that is queued, running or paused."""
        marks = ", ".join("?" * len(ACTIVE))
        where = f"WHERE race.id IN (SELECT race FROM run WHERE status IN ({marks}))"
        return [RaceRow(*row) for row in self.query(_RACES + where, ACTIVE)]

    def runs(self, race_id: str) -> list[RunRow]:
        """The runs of a race by position."""
        found = self.query(
            "SELECT id, position, experiment, label, status, step, message, summary "
            "FROM run WHERE race=? ORDER BY position",
            (race_id,),
        )
        return [RunRow(*(*row[:-1], json.loads(row[-1]))) for row in found]

    def columns(self, run_id: int, stream: str) -> list[str]:
        """Names of a stream's columns; none while the stream has not begun."""
        found = self.query("SELECT columns FROM stream WHERE run=? AND name=?", (run_id, stream))
        return json.loads(found[0][0]) if found else []

    def rows(self, run_id: int, stream: str, after: int = 0, limit: int = -1) -> Rows:
        """Rows numbered above `after`, in order; at most `limit` where it is not negative."""
        found = self.query(
            "SELECT seq, step, time, data FROM row "
            "WHERE stream=(SELECT id FROM stream WHERE run=? AND name=?) AND seq>? "
            "ORDER BY seq LIMIT ?",
            (run_id, stream, after, limit),
        )
        if not found:
            return Rows.none(len(self.columns(run_id, stream)))
        seq, step, time, data = zip(*found, strict=True)
        if len({len(blob) for blob in data}) != 1:
            raise StoreError(f"the store {self.path} is damaged: rows of unequal length", "damaged")
        values = np.frombuffer(b"".join(data), dtype=np.float32).reshape(len(seq), -1)
        return Rows(np.array(seq), np.array(step), np.array(time, dtype=np.float64), values)

    def document(self, run_id: int, name: str) -> str | None:
        """What a run said once, as JSON; None if it did not."""
        found = self.query("SELECT body FROM document WHERE run=? AND name=?", (run_id, name))
        return found[0][0] if found else None

    def snapshot_steps(self, run_id: int) -> list[int]:
        """After which steps there is a snapshot, in order."""
        found = self.query("SELECT step FROM snapshot WHERE run=? ORDER BY step", (run_id,))
        return [step for (step,) in found]

    def snapshot(self, run_id: int, step: int) -> bytes | None:
        """The snapshot taken after a step, packed; None if there is none (any more)."""
        found = self.query("SELECT data FROM snapshot WHERE run=? AND step=?", (run_id, step))
        return found[0][0] if found else None

    def events(self, race_id: str, after: int = 0) -> list[EventRow]:
        """Events of a race with an id above `after`, in order."""
        found = self.query(
            "SELECT id, step, time, kind, payload FROM event WHERE race=? AND id>? ORDER BY id",
            (race_id, after),
        )
        return [EventRow(*(*row[:-1], json.loads(row[-1]))) for row in found]

    def workers(self) -> list[WorkerRow]:
        return [WorkerRow(*row) for row in self.query("SELECT * FROM worker")]

    def worker(self, worker_id: str) -> WorkerRow | None:
        found = self.query("SELECT * FROM worker WHERE id=?", (worker_id,))
        return WorkerRow(*found[0]) if found else None

    def count_runs(self) -> int:
        found = self.query("SELECT count(*) FROM run")
        return found[0][0] if found else 0

    def costs(self) -> dict[str, Cost]:
        """The latest measurement of every method, with its default options, by its key."""
        found = self.query(LATEST_COSTS)
        return {cost.method: cost for cost in (Cost.from_row(row) for row in found)}

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows that an SQL statement finds; for this package, which alone knows the tables."""
        with self._lock, in_words(self.path):
            db = self._open()
            return db.execute(sql, values).fetchall() if db else []

    def _open(self) -> sqlite3.Connection | None:
        """The connection, or None while there is no store; a replaced file is opened anew."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._drop()
            return None
        except OSError as error:
            why = f"it cannot be read ({error.strerror}); name another folder by BKN_HOME"
            raise StoreError(f"the store {self.path} failed: {why}", "unreadable") from error
        if self._db is None or self._file != (found.st_dev, found.st_ino):
            self._drop()
            mode = "mode=ro&immutable=1" if self.immutable else "mode=ro"
            db = sqlite3.connect(
                f"{self.path.resolve().as_uri()}?{mode}",
                uri=True, timeout=5.0, isolation_level=None, check_same_thread=False,
            )  # fmt: skip
            self._db, self._file = db, (found.st_dev, found.st_ino)
            self._opened += 1  # versions of another connection say nothing about this one's
        if not self._ready:
            self._ready = self._check(self._db)
        return self._db if self._ready else None

    def _check(self, db: sqlite3.Connection) -> bool:
        """Whether the tables are there; an empty file has none yet."""
        found = version(db, self.path)
        if 0 < found < VERSION:
            raise StoreError(
                f"the store {self.path} has version {found}, this BKN Lab needs {VERSION}; "
                "start the app once to bring it up to date",
                "old",
            )
        return found == VERSION

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db, self._file, self._ready = None, None, False
