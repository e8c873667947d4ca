"""Supervisors with real worker processes, ended by their ids when a test ends."""

import os
import signal

import pytest

from bkn.engine.supervisor import Supervisor
from tests.engine.toy import lives


@pytest.fixture
def supervise(tmp_path):
    """Starts supervisors on the test's own home; all their workers are gone afterwards."""
    started = []

    def make(max_races=2):
        supervisor = Supervisor(tmp_path / "home", max_races)
        started.append(supervisor)
        return supervisor

    yield make
    for supervisor in started:
        pids = [worker.pid for worker in supervisor._workers]
        supervisor.close()
        for pid in filter(lives, pids):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def supervisor(supervise):
    return supervise()
