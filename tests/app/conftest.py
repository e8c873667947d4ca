"""The page without a browser and without a worker: a supervisor that only writes down."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import lab as lab_module
from app.claims import scene
from bkn.claims import recorded
from bkn.engine.estimate import Estimate, estimate
from bkn.experiment import Race
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import add_sweep, set_sweep, sweep_id_of
from bkn.store.writer import Writer
from bkn.sweep import Job, Sweep
from tests.app.made_up_claims import CLAIMS
from tests.patience import PATIENCE
from tests.sweeps import OWNER, write_job

ROOT = Path(__file__).resolve().parents[2]


DOES = {"pause": "paused", "resume": "running", "step": "paused", "stop": "stopped"}


class NotingSupervisor:
    """Stores races as the real one does, but hands them to nobody."""

    def __init__(self, home: Path):
        self.path = store_path(home)
        self.reader = Reader(self.path)
        self.sent: list[tuple[Any, ...]] = []
        self.refusal = ""

    def warm(self) -> None:
        """Nothing to get ready."""

    def start(self, race: Race, speed: float | None = None, paused: bool = False) -> str:
        if self.refusal:
            raise ValueError(self.refusal)
        race_id = f"race{len(self.sent)}"
        with Writer(self.path) as writer, writer.transaction():
            writer.add_race(race_id, race)
        self.sent.append(("start" if not paused else "start paused", race, speed))
        return race_id

    def send(self, race_id: str, command: str, **values: Any) -> None:
        if self.refusal:
            raise ValueError(self.refusal)
        self.sent.append((command, *values.values()))
        if command in DOES:
            self.mark(race_id, DOES[command], 6 if command == "step" else 5)

    def resume(self, race_id: str) -> None:
        self.sent.append(("resume", race_id))

    def test(self, race_id: str, figures: tuple[float, ...]) -> None:
        """Play the worker: every run of the race was tested, held-out style and all."""
        with Writer(self.path) as writer, writer.transaction():
            for run_id in writer.run_ids(race_id):
                columns = ("test_loss", "test_accuracy", "held_out_accuracy")
                writer.set_columns(run_id, "test", columns)
                writer.add_row(run_id, "test", 5, 1.0, figures)

    def mark(self, race_id: str, status: str, step: int = 5, message: str = "") -> None:
        """Play the worker: every run of the race now stands there."""
        with Writer(self.path) as writer, writer.transaction():
            for run_id in writer.run_ids(race_id):
                writer.set_status(run_id, status, step, message)
            writer.set_checkpoint(race_id, step)


class NotingConductor:
    """Stores sweeps as the real one does, but trains nothing."""

    def __init__(self, home: Path):
        self.path = store_path(home)
        self.reader = Reader(self.path)
        self.sent: list[tuple[Any, ...]] = []
        self.refusal = ""
        self.timing = 0
        self.trouble = ""
        self.slots = 1

    def start(self, sweep: Sweep) -> str:
        if self.refusal:
            raise ValueError(self.refusal)
        with Writer(self.path) as writer, writer.transaction():
            sweep_id = sweep_id_of(writer, sweep)
            if sweep_id is None:
                sweep_id = f"sweep{len(self.sent)}"
                add_sweep(writer, sweep_id, sweep, OWNER)
        self.mark(sweep_id, "running")
        self.sent.append(("start", sweep))
        return sweep_id

    def resume(self, sweep_id: str, again: bool = False) -> None:
        self.sent.append(("resume", sweep_id, again))
        self.mark(sweep_id, "running")

    def stop(self, sweep_id: str) -> None:
        self.sent.append(("stop", sweep_id))
        self.mark(sweep_id, "stopped")

    def estimate(self, sweep: Sweep) -> Estimate:
        return estimate(self.reader, sweep, self.slots)

    def time(self, sweep: Sweep) -> int:
        self.sent.append(("time", sweep))
        self.timing = 1
        return 1

    def mark(self, sweep_id: str, status: str, alive: bool = True) -> None:
        """Play the conductor: the sweep now stands there, its owner is alive or gone."""
        with Writer(self.path) as writer, writer.transaction():
            if alive:
                writer.beat(OWNER, 1, "conducting")
            else:
                writer.forget_worker(OWNER)
            set_sweep(writer, sweep_id, status, OWNER if status == "running" else None)

    def train(self, sweep: Sweep, accuracy: Callable[[Job], float | None]) -> None:
        """Play the conductor: these jobs have ended, as in `tests.sweeps.write_sweep`."""
        with Writer(self.path) as writer, writer.transaction():
            for job in sweep.jobs:
                if (final := accuracy(job)) is not None:
                    write_job(writer, job, final)


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> NotingSupervisor:
    """The supervisor behind the page of this test."""
    monkeypatch.setenv("BKN_HOME", str(tmp_path))
    noting = NotingSupervisor(tmp_path)
    monkeypatch.setattr(lab_module, "Supervisor", lambda home: noting)
    conducting = NotingConductor(tmp_path)
    monkeypatch.setattr(lab_module, "Conductor", lambda home, make_executor: conducting)
    st.cache_resource.clear()
    yield noting
    st.cache_resource.clear()


@pytest.fixture
def conductor(supervisor: NotingSupervisor) -> NotingConductor:
    """The conductor behind the pages of this test."""
    found = lab_module.lab().conductor
    assert isinstance(found, NotingConductor)
    return found


@pytest.fixture
def home(supervisor: NotingSupervisor) -> Path:
    """Where the store of this test lies."""
    return supervisor.path.parent


@pytest.fixture
def page(supervisor: NotingSupervisor) -> AppTest:
    """The Race page, not yet run."""
    return AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=PATIENCE)


@pytest.fixture
def open_page(page: AppTest) -> Callable[..., AppTest]:
    """Open a page by its file's name, with an address."""

    def open_it(name: str, **url: str) -> AppTest:
        page.switch_page(str(ROOT / "pages" / f"{name}.py"))
        for key, value in url.items():
            page.query_params[key] = value
        page.run()
        assert not page.exception
        return page

    return open_it


@pytest.fixture
def batch_page(
    open_page: Callable[..., AppTest], conductor: NotingConductor
) -> Callable[..., AppTest]:
    """Open the Batch size page with an address."""
    return partial(open_page, "batch_size")


@pytest.fixture
def claims_page(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    """Open the Claims page, with an address, on claims that are made up."""
    monkeypatch.setattr(scene, "CLAIMS", CLAIMS)
    monkeypatch.setattr(recorded, "read", dict)
    return partial(open_page, "claims")
