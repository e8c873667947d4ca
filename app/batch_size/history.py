"""Sweeps that are looked at: read once, kept up to date by what is new, shared by all visitors."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.batch_size.table import Table
from bkn.results import Result, results
from bkn.store.reader import Reader
from bkn.store.sweeps import DONE, SweepRow, accuracy_curves, sweep_row
from bkn.sweep import Job

KEPT = 16  # sweeps; the one that nobody looked at for longest goes first
T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """A sweep as it stood at one moment."""

    row: SweepRow
    status: str
    table: Table
    version: int  # another one for every change


class Watched:
    """One sweep of a store.

    Args:
        reader: of the store.
        row: of the sweep.
        shown_id: its id in links, "" for the recorded one.

    Raises:
        ValueError: for a sweep that this version cannot run.
    """

    def __init__(self, reader: Reader, row: SweepRow, shown_id: str):
        self.reader, self.row, self.shown_id = reader, row, shown_id
        self.sweep = row.sweep
        self.lock = threading.RLock()
        self.owner = ""  # the visitor who started it; "" when the server does not know
        self._jobs = {job.id: job for job in self.sweep.jobs}
        self._found: dict[str, Result] = {}
        self._news: object = None
        self._version = 0
        self._table: Table | None = None
        self._made: OrderedDict[Hashable, Any] = OrderedDict()

    def look(self) -> State:
        """Read what is new."""
        with self.lock:
            news = self.reader.news()
            if self._table is None or news != self._news:
                self._news = news
                self._table = self._read(self._table)
            return State(self.row, self.row.status, self._table, self._version)

    def made(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for this version under this key, else made now."""
        with self.lock:
            whole = (self._version, key)
            if whole not in self._made:
                self._made[whole] = make()
                while len(self._made) > 64:
                    self._made.popitem(last=False)
            found: T = self._made[whole]
            return found

    def _read(self, table: Table | None) -> Table:
        before = self.row
        self.row = sweep_row(self.reader, before.id) or before
        again = self.row.stored != before.stored  # what had failed may be tried again
        wanted: list[Job] = [
            job
            for job_id, job in self._jobs.items()
            if again or job_id not in self._found or self._found[job_id].status not in DONE
        ]
        fresh = self._with_curves(results(self.reader, wanted)) if wanted else []
        if table is not None and not any(map(self._changed, fresh)):
            return table
        self._found |= {one.job.id: one for one in fresh}
        self._version += 1
        return Table.of(self.shown_id, self.sweep, (self._found[one] for one in self._jobs))

    def _changed(self, fresh: Result) -> bool:
        """Whether a run has moved since it was read."""
        known = self._found.get(fresh.job.id)
        moved = [(one.status, one.step, one.message) for one in (known, fresh) if one]
        return len(set(moved)) > 1 or known is None

    def _with_curves(self, found: list[Result]) -> list[Result]:
        """Those that have just finished with their accuracy by step."""
        finished = [one.job.id for one in found if one.status == "finished"]
        curves = accuracy_curves(self.reader, finished) if finished else {}
        return [replace(one, curve=curves.get(one.job.id)) for one in found]


class Shelf:
    """All sweeps that are looked at.

    Args:
        reader: of the store.
    """

    def __init__(self, reader: Reader):
        self.reader = reader
        self._kept: OrderedDict[str, Watched] = OrderedDict()
        self._lock = threading.Lock()

    def watch(self, sweep_id: str) -> Watched | None:
        """The sweep of that id, or None if the store does not know it."""
        with self._lock:
            if sweep_id in self._kept:
                self._kept.move_to_end(sweep_id)
                return self._kept[sweep_id]
            row = sweep_row(self.reader, sweep_id)
            if row is None:
                return None
            watched = self._kept[sweep_id] = Watched(self.reader, row, sweep_id)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return watched
