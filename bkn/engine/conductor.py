"""The conductor: runs sweeps, several at a time, by whatever executor it is given.

Several conductors may work on one store, and on one sweep: a job is begun inside a transaction, so
it is never begun twice, and one in other living hands is waited for. What a dead conductor held is
trained anew by whoever continues its sweep. Nothing here imports torch.
"""

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty, SimpleQueue

from bkn.engine.beating import Beating
from bkn.engine.conducting import Conducting
from bkn.engine.estimate import Estimate, estimate, to_be_timed
from bkn.engine.executor import Executor
from bkn.engine.local import default_slots, visible_gpus
from bkn.engine.process import new_id
from bkn.engine.share import Share
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import (
    DONE,
    SweepRow,
    add_sweep,
    job_rows,
    left_of,
    set_sweep,
    sweep_id_of,
    sweep_row,
)
from bkn.store.writer import Writer
from bkn.sweep import Job, Sweep

IDLE_AFTER = 20.0  # seconds without work after which the executor's processes are ended


class Conductor:
    """Runs sweeps in a thread; its methods may be called from any other.

    Args:
        home: folder of the store.
        make_executor: called when there is something to train: LocalExecutor(home) ...
        slots: jobs at a time, for estimates made before the executor is; those of this machine
            when not given.

    Raises:
        StoreError: if the store cannot be used.
        ValueError: if BKN_SWEEP_JOBS is no whole number above 0.
    """

    def __init__(self, home: Path, make_executor: Callable[[], Executor], slots: int | None = None):
        self.home, self.id = Path(home).resolve(), new_id()
        with Writer(store_path(self.home)):
            pass  # made and migrated
        self.reader = Reader(store_path(self.home))
        self._slots = default_slots(visible_gpus()) if slots is None else slots
        self._now = Conducting(self.home, self.id, make_executor)
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._closing = threading.Event()
        self._beating = Beating(self.home, self.id, lambda: self._now.busy)
        self._thread = threading.Thread(target=self._run, name="conductor", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def slots(self) -> int:
        """Jobs at a time."""
        executor = self._now.executor
        return self._slots if executor is None else executor.slots

    @property
    def trouble(self) -> str:
        """Why everything was given up, in words; empty when all is well.

        The sweeps' messages say it too, if the store can be written.
        """
        return self._now.trouble

    def start(self, sweep: Sweep, again: bool = False) -> str:
        """Run a sweep and return its id; one that is equal is continued under its own.

        Jobs that are done are not trained again, whichever sweep they were trained for.

        Args:
            sweep: what is asked for.
            again: jobs that failed are run once more.

        Raises:
            StoreError: if the store refuses.
        """
        self._check_open()
        with Writer(store_path(self.home)) as writer, writer.transaction():
            self._beat(writer)
            sweep_id = sweep_id_of(writer, sweep)
            if sweep_id is None:
                sweep_id = new_id()
                add_sweep(writer, sweep_id, sweep, self.id)
        self._take_part(sweep_id, sweep, again)
        return sweep_id

    def resume(self, sweep_id: str, again: bool = False) -> None:
        """Continue a sweep that was stopped or interrupted, or help with one that runs.

        Args:
            sweep_id: of the sweep.
            again: jobs that failed are run once more.

        Raises:
            ValueError: if there is none, or this version cannot run it.
            StoreError: if the store refuses.
        """
        self._check_open()
        self._take_part(sweep_id, self._row(sweep_id).sweep, again)

    def stop(self, sweep_id: str) -> None:
        """Stop a sweep, whoever runs it; its running jobs end, and are trained anew later.

        Raises:
            ValueError: if there is none.
            StoreError: if the store refuses.
        """
        if self._row(sweep_id).stored == "running":
            with Writer(store_path(self.home)) as writer, writer.transaction():
                set_sweep(writer, sweep_id, "stopped", None)
        self._inbox.put(self._now.look_soon)

    def time(self, jobs: Sweep | Iterable[Job], again: bool = False) -> int:
        """Time a few steps of every kind of job whose time cannot be judged; returns how many.

        They are timed in the background: see `timing`.

        Args:
            jobs: all of them, done or not.
            again: what failed is to be trained once more.
        """
        listed = jobs.jobs if isinstance(jobs, Sweep) else list(jobs)
        rows = job_rows(self.reader, [job.id for job in listed])
        asked = to_be_timed(self.reader, left_of(listed, rows, again), self.times)
        self._now.timings.ask(asked)
        self._inbox.put(lambda: None)  # it may be asleep
        return len(asked)

    @property
    def times(self) -> dict[str, float]:
        """Milliseconds per step that were measured by `time`, by kind."""
        return self._now.timings.times

    @property
    def timing(self) -> int:
        """Kinds of jobs still to be timed."""
        return self._now.timings.left

    @property
    def untimed(self) -> list[str]:
        """Why some kinds of jobs could not be timed, in words."""
        return self._now.timings.untimed

    def estimate(self, jobs: Sweep | Iterable[Job], again: bool = False) -> Estimate:
        """How long these jobs will take, as far as it is known now; `again`: as of `time`."""
        return estimate(self.reader, jobs, self.slots, self.times, again=again)

    def close(self) -> None:
        """End all processes; sweeps that run are interrupted. Also called at exit."""
        atexit.unregister(self.close)
        self._closing.set()
        self._inbox.put(lambda: None)
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self.reader.close()

    # Inside

    def _check_open(self) -> None:
        if self._closing.is_set() or not self._thread.is_alive():
            raise ValueError("this conductor is closed and runs no sweeps")

    def _row(self, sweep_id: str) -> SweepRow:
        row = sweep_row(self.reader, sweep_id)
        if row is None:
            raise ValueError(f"there is no sweep {sweep_id!r}")
        return row

    def _beat(self, writer: Writer) -> None:
        writer.beat(self.id, os.getpid(), "conducting")

    def _take_part(self, sweep_id: str, sweep: Sweep, again: bool) -> None:
        """Run a sweep that is in the store, as its owner unless that is somebody alive."""
        with Writer(store_path(self.home)) as writer, writer.transaction():
            self._beat(writer)
            row = self._row(sweep_id)
            if row.status != "running" or row.owner == self.id:
                set_sweep(writer, sweep_id, "running", self.id)
        share = Share(sweep_id, sweep.jobs, ("failed",) if again else ())
        rows = job_rows(self.reader, [job.id for job in share.jobs])
        done = {id for id, row in rows.items() if row.status in DONE}
        share.skip({id for id in done if rows[id].status not in share.again})
        self._inbox.put(lambda: self._now.add(share))

    def _run(self) -> None:
        rest_at = 0.0
        try:
            while not self._closing.is_set():
                self._hear()
                self._beating.turned_at = time.monotonic()
                if self._now.busy:
                    self._now.turn()
                    rest_at = time.monotonic() + IDLE_AFTER
                elif self._now.executor is not None and time.monotonic() >= rest_at:
                    self._now.rest()
        finally:
            self._beating.close()
            self._now.close()

    def _hear(self) -> None:
        """Do what was asked for; without work wait for that."""
        try:
            while not self._closing.is_set():
                wait = 0.0 if self._now.busy else 1.0
                self._inbox.get(timeout=wait)()
        except Empty:
            return
