"""The supervisor: starts workers, tells them what to do, and notices when one is gone.

One per server process. It imports no torch. What happens in a race is read from the store, so
closing the browser stops nothing, and a server that starts again finds every race in place.
"""

import atexit
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bkn.engine import monitor
from bkn.engine.closing import close_race, is_resumable
from bkn.engine.commands import check_speed, message_for
from bkn.engine.limits import Refused, limit_from_environment, refusing
from bkn.engine.process import WorkerProcess, new_id
from bkn.experiment import Race
from bkn.fetch.state import require
from bkn.store.errors import StoreError
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.records import RaceRow
from bkn.store.writer import Writer

LOOK_EVERY = 0.25  # seconds between looks at the workers
ORPHANS_EVERY = 2.0  # seconds between looks at other servers' races
WARM_AFTER = 4.0  # seconds after a start at most: the next worker must not slow the first steps
WARM_AGAIN_AFTER = 30.0  # seconds after an idle worker died
CLOSE_WITHIN = 3.0  # seconds for workers to save their races
RESUMABLE = ("interrupted", "stopped")

__all__ = ["Refused", "Supervisor"]


class Supervisor:
    """Looks after the races of one server process.

    Args:
        home: folder of the store, checkpoints and logs; made if missing.
        max_races: races at the same time; BKN_MAX_RACES or 2 when not given.

    Raises:
        ValueError: if BKN_MAX_RACES is no whole number above 0.
        StoreError: if the store cannot be used.
    """

    def __init__(self, home: Path, max_races: int | None = None):
        self.home = Path(home).resolve()
        self.max_races = limit_from_environment() if max_races is None else max_races
        with Writer(store_path(self.home)):
            pass  # made and migrated
        self.reader = Reader(store_path(self.home))
        self.trouble = ""  # why the store could not be written lately, in words
        self._workers: list[WorkerProcess] = []
        self._keep_warm, self._warm_at = False, 0.0
        self._lock = threading.RLock()
        self._closing = threading.Event()
        monitor.close_orphans(self.home, self.reader, set())
        self._monitor = threading.Thread(target=self._watch, name="monitor", daemon=True)
        self._monitor.start()
        atexit.register(self.close)

    def warm(self) -> None:
        """Keep one worker ready from now on."""
        with self._lock:
            self._keep_warm = True
            self._warm_if_due()

    @property
    def ready(self) -> bool:
        """Whether a warm worker waits."""
        with self._lock:
            idle = next((w for w in self._workers if not w.race_id and w.alive), None)
        row = self.reader.worker(idle.id) if idle else None
        return row is not None and row.state == "idle"

    def start(self, race: Race, speed: float | None = None, paused: bool = False) -> str:
        """Start a race; returns its id.

        Args:
            race: what to train.
            speed: steps per second at the most; None for no limit.
            paused: wait for `resume` or `step` before the first step.

        Raises:
            Refused: when as many races run as this server allows, or the store or the system
                refuses; in words.
            ValueError: for a wrong speed, or images that are not on this machine (MissingData).
        """
        message = {"do": "start", "speed": check_speed(speed), "paused": paused}
        require(race.common.dataset_card)
        with self._lock, refusing():
            self._check_limit()
            race_id = new_id()
            worker = self._take_worker()
            with Writer(store_path(self.home)) as writer, writer.transaction():
                writer.add_race(race_id, race, worker.id)
                self._vouch(writer, worker)
            self._hand(worker, race_id, race, message)
        return race_id

    def send(self, race_id: str, command: str, **values: Any) -> None:
        """Tell a race something; it acts between two steps.

        Args:
            race_id: of the race.
            command: pause, resume, step, stop, or speed, lr, micro_batch, gain with `value`;
                diagnose with `value={"run": position}`, answered by an event "diagnosis".
            values: `value=...` where the command takes one.

        Raises:
            ValueError: in words, for an unknown race or command, a wrong value, a race that is
                over or looked after by another server.
        """
        row = self._row(race_id)
        if command == "resume" and row.status in RESUMABLE:
            self.resume(race_id)
            return
        message = message_for(row.race, command, values)
        if not row.active:
            raise ValueError(f"race {race_id} is over ({row.status}): it takes no commands")
        with self._lock:
            worker = next((w for w in self._workers if w.id == row.worker), None)
        if worker is None:
            raise ValueError(f"race {race_id} is looked after by another server")
        if not worker.send(message):
            raise ValueError(f"the worker of race {race_id} has just ended")

    def resume(self, race_id: str) -> None:
        """Continue an interrupted or stopped race from its checkpoint, in a new worker.

        Raises:
            Refused: as `start`.
            ValueError: for a race that cannot be continued, saying why.
        """
        with self._lock, refusing():
            row = self._row(race_id)
            if row.status not in RESUMABLE:
                raise ValueError(
                    f"race {race_id} is {row.status}; only races that are "
                    f"{' or '.join(RESUMABLE)} can be resumed"
                )
            if not is_resumable(self.home, row):
                raise ValueError(f"race {race_id} has no checkpoint to continue from")
            race = row.race
            require(race.common.dataset_card)
            self._check_limit()
            worker = self._take_worker()
            with Writer(store_path(self.home)) as writer, writer.transaction():
                writer.hand_over(race_id, worker.id)
                self._vouch(writer, worker)
            self._hand(worker, race_id, race, {"do": "resume"})

    def close(self) -> None:
        """Hang up on all workers; they save their races and end. Also called at exit."""
        atexit.unregister(self.close)
        self._closing.set()
        if threading.current_thread() is not self._monitor:
            self._monitor.join()
        with self._lock:
            for worker in self._workers:
                worker.hang_up()
            deadline = time.monotonic() + CLOSE_WITHIN
            for worker in self._workers:
                worker.end(deadline - time.monotonic())
                try:
                    self._bury(worker)
                except StoreError as error:  # the next server will close what is open
                    self.trouble = str(error)
            self._workers.clear()
        self.reader.close()

    # Inside

    def _row(self, race_id: str) -> RaceRow:
        row = self.reader.race(race_id)
        if row is None:
            raise ValueError(f"there is no race {race_id!r}")
        return row

    def _check_limit(self) -> None:
        if self._closing.is_set():
            raise Refused("this server is shutting down and starts no races")
        busy = [self.reader.race(w.race_id) for w in self._workers if w.race_id and w.alive]
        active = [row for row in busy if row is not None and row.active]
        if len(active) >= self.max_races:
            raise Refused(
                f"{len(active)} races are running already, as many as this server allows "
                f"(BKN_MAX_RACES={self.max_races}); stop one or wait until one has finished"
            )

    def _take_worker(self) -> WorkerProcess:
        """The idle worker, else a cold one."""
        for worker in self._workers:
            if not worker.race_id and worker.alive:
                return worker
        try:
            worker = WorkerProcess(self.home, cold=True)
        except OSError as error:
            raise Refused(f"no worker can be started now: {error}") from error
        self._workers.append(worker)
        return worker

    @staticmethod
    def _vouch(writer: Writer, worker: WorkerProcess) -> None:
        """A first heartbeat for a cold worker, lest other servers take its race for orphaned."""
        if not writer.knows_worker(worker.id):
            worker.given_beat = writer.beat(worker.id, worker.pid, "starting")

    def _hand(
        self, worker: WorkerProcess, race_id: str, race: Race, message: dict[str, Any]
    ) -> None:
        worker.race_id = race_id
        self._warm_at = time.monotonic() + WARM_AFTER
        # If the worker has just died, the monitor says so in the race's message.
        worker.send({**message, "race_id": race_id, "race": race.to_json()})

    def _warm_if_due(self) -> None:
        idle = any(not w.race_id for w in self._workers)
        racing = sum(1 for w in self._workers if w.race_id)
        due = self._keep_warm and time.monotonic() >= self._warm_at
        if due and not idle and racing < self.max_races:
            self._workers.append(WorkerProcess(self.home))

    def _watch(self) -> None:
        orphans_at = time.monotonic() + ORPHANS_EVERY
        while not self._closing.wait(LOOK_EVERY):
            try:
                self._look()
                if time.monotonic() >= orphans_at:
                    with self._lock:
                        own = {worker.id for worker in self._workers}
                        monitor.close_orphans(self.home, self.reader, own)
                    orphans_at = time.monotonic() + ORPHANS_EVERY
                self.trouble = ""
            except (StoreError, OSError) as error:  # tried again at the next look
                self.trouble = str(error)

    def _look(self) -> None:
        with self._lock:
            for worker in list(self._workers):
                monitor.kill_if_hung(worker, self.reader)
                if not worker.alive:
                    self._bury(worker)
                    self._workers.remove(worker)
            self._warm_if_due()

    def _bury(self, worker: WorkerProcess) -> None:
        """A worker of ours is gone: close its race if it is open, and tidy up."""
        row = self.reader.race(worker.race_id) if worker.race_id else None
        if row is not None and row.active and row.worker == worker.id:  # not handed on since
            close_race(self.home, row, monitor.epitaph(worker))
        with Writer(store_path(self.home), timeout=1.0) as writer, writer.transaction():
            writer.forget_worker(worker.id)
        if worker.process.returncode == 0:
            worker.log.unlink(missing_ok=True)
        elif not worker.race_id and not self._closing.is_set():
            self._warm_at = time.monotonic() + WARM_AGAIN_AFTER
            print(f"an idle worker died: {worker.last_words()}", file=sys.stderr)
        worker.hang_up()
