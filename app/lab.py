"""The lab: what all visitors of this server share.

One supervisor of worker processes, the recorded race of the first picture, and one cache for
every watched race, however many visitors watch it. Nothing here imports torch.
"""

import gc
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from app.batch_size.history import Shelf
from app.batch_size.history import Watched as WatchedSweep
from app.batch_size.plan import Plans
from app.layers.history import Histories
from bkn.engine.conductor import Conductor
from bkn.engine.local import LocalExecutor
from bkn.engine.supervisor import Supervisor
from bkn.store.cache import RaceCache
from bkn.store.home import home
from bkn.store.reader import Reader
from bkn.store.sweeps import sweeps

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "assets" / "recorded" / "race.db"
RECORDED_SWEEP = ROOT / "assets" / "recorded" / "sweep.db"
A_SWEEP = "a sweep"  # owner of the races that are a sweep's jobs: no visitor controls them
WATCHED = 16  # caches kept; the one that nobody looked at for longest goes first
SECONDS = {"pause": 0.5, "resume": 0.5, "step": 0.5, "stop": 2.0}  # a stopped race tests once more
PACE_SECONDS = 3.0  # steps per second are measured over this long


@dataclass
class Watched:
    """A race's cache, the lock that its visitors share, and how fast it goes."""

    cache: RaceCache
    lock: threading.RLock = field(default_factory=threading.RLock)
    owner: str = ""  # the visitor who started it; "" when the server does not know
    samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=64))

    def refresh(self) -> None:
        """Read what is new; call it with the lock held."""
        self.cache.refresh()
        now, step = time.monotonic(), max((run.step for run in self.cache.runs), default=0)
        self.samples.append((now, step))
        while now - self.samples[0][0] > PACE_SECONDS and len(self.samples) > 2:
            self.samples.popleft()

    @property
    def steps_per_second(self) -> float | None:
        """How fast the race went over the last seconds; None before it is known."""
        (began, first), (now, last) = self.samples[0], self.samples[-1]
        return (last - first) / (now - began) if last > first else None


class Lab:
    """The handle that the page talks to."""

    def __init__(self, where: Path):
        self.where = where
        self.supervisor = Supervisor(where)
        self.recorded = self._recorded()
        self.histories = Histories()
        self.sweeps = Shelf(self.supervisor.reader)
        self.plans = Plans()
        self._conductor: Conductor | None = None
        self._recorded_sweep: WatchedSweep | None = None
        self._watched: OrderedDict[str, Watched] = OrderedDict()
        self._lock = threading.Lock()
        self._warm = False

    @property
    def conductor(self) -> Conductor:
        """Runs this server's sweeps; made when one is first asked for."""
        with self._lock:
            if self._conductor is None:
                self._conductor = Conductor(self.where, lambda: LocalExecutor(self.where))
            return self._conductor

    @property
    def recorded_sweep(self) -> WatchedSweep:
        """The sweep of the first picture."""
        with self._lock:
            if self._recorded_sweep is None:
                reader = Reader(RECORDED_SWEEP, immutable=True)
                self._recorded_sweep = WatchedSweep(reader, sweeps(reader, 1)[0], "")
            return self._recorded_sweep

    def watch(self, race_id: str) -> Watched | None:
        """The race of that id with its cache, or None if the store does not know it."""
        with self._lock:
            if race_id in self._watched:
                self._watched.move_to_end(race_id)
                return self._watched[race_id]
            row = self.supervisor.reader.race(race_id)
            if row is None:
                return None
            watched = Watched(RaceCache(self.supervisor.reader, race_id))
            watched.owner = A_SWEEP if row.job else ""
            self._watched[race_id] = watched
            if len(self._watched) > WATCHED:
                self._watched.popitem(last=False)
            return watched

    def tell(self, race_id: str, command: str) -> None:
        """Send a command and wait, not for long, until the store shows that it was done.

        So the picture that follows a click already shows what it did. A paused race is not paused
        once more, nor a running one resumed.

        Args:
            race_id: of the race.
            command: pause, resume, step or stop.

        Raises:
            ValueError: if the race takes no commands.
        """
        before = self._step(race_id)
        if command in ("pause", "resume") and self._done(race_id, command, before):
            return
        self.supervisor.send(race_id, command)
        deadline = time.monotonic() + SECONDS[command]
        while time.monotonic() < deadline and not self._done(race_id, command, before):
            time.sleep(0.02)

    def diagnose(self, race_id: str, run: int) -> None:
        """Ask a race to measure one entrant; it waits for it, for seconds.

        What becomes of it stands in the race's events: "diagnose" when it begins, then "diagnosis"
        with the report (see `app.figures.diagnostics`), or "refused" with the reason.

        Args:
            race_id: of the race.
            run: position of the entrant.

        Raises:
            ValueError: if the race takes no commands, or for a wrong position.
        """
        self.supervisor.send(race_id, "diagnose", value={"run": run})

    def _done(self, race_id: str, command: str, before: int) -> bool:
        row = self.supervisor.reader.race(race_id)
        if row is None or command == "stop":
            return row is None or not row.active
        if command == "step":
            return self._step(race_id) > before
        return row.status == ("paused" if command == "pause" else "running")

    def _step(self, race_id: str) -> int:
        return max((run.step for run in self.supervisor.reader.runs(race_id)), default=0)

    def warm(self) -> None:
        """Once: get a worker ready, so that the first Start is as quick as the next."""
        with self._lock:
            already, self._warm = self._warm, True
        if not already:
            self.supervisor.warm()

    @staticmethod
    def _recorded() -> Watched:
        reader = Reader(RECORDED, immutable=True)
        return Watched(RaceCache(reader, reader.races(1)[0].id))


@st.cache_resource(show_spinner=False)
def lab() -> Lab:
    """This server's lab, made at the first visit."""
    return Lab(home())


@st.cache_resource(show_spinner=False)
def freeze_imports() -> None:
    """Take what was imported out of the garbage collector's sight, once.

    Streamlit collects after every refresh; walking all modules each time costs 40 ms.
    """
    gc.collect()
    gc.freeze()
