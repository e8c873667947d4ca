"""Who counts as hung or dead, and what becomes of what they trained."""

import os
from types import SimpleNamespace

import pytest

from bkn.engine import monitor
from bkn.store.home import store_path
from bkn.store.sweeps import begin_job
from bkn.store.writer import Writer
from bkn.sweep import Sweep


class Silent:
    """A living worker process that has said nothing for some seconds."""

    id, alive, hung = "w", True, 0.0

    def __init__(self, seconds, own_beat=True):
        self.seconds, self.own_beat, self.killed = seconds, own_beat, False
        self.process = SimpleNamespace(kill=self.kill, wait=lambda: None)

    def kill(self):
        self.killed = True

    def has_beaten(self, beat):
        return self.own_beat

    def silent_for(self, beat):
        return self.seconds


@pytest.mark.parametrize(
    ("state", "own_beat", "seconds", "killed"),
    [
        ("racing", True, 4.9, False),
        ("racing", True, 5.1, True),
        ("starting", True, 29.0, False),
        ("starting", True, 31.0, True),
        ("racing", False, 29.0, False),
    ],
)
def test_only_a_worker_that_starts_may_be_silent_for_long(
    tmp_path, state, own_beat, seconds, killed
):
    with Writer(tmp_path / "runs.db") as writer, writer.transaction():
        writer.beat("w", 1, state)
    worker = Silent(seconds, own_beat)
    monitor.kill_if_hung(worker, monitor.Reader(tmp_path / "runs.db"))
    assert worker.killed is killed
    if killed:
        worker.process.returncode = -9
        limit = 5 if state == "racing" else 30
        assert f"no sign of life for {limit} seconds" in monitor.epitaph(worker)


JOB = Sweep(methods=("batch",), micro_batches=(2,), seeds=(0,)).jobs[0]


@pytest.fixture
def looked_at(tmp_path):
    """A job begun by a conductor, then looked at as every supervisor does; its race and run."""

    def look(pid, seconds_ago):
        with Writer(store_path(tmp_path)) as writer, writer.transaction():
            writer.beat("conductor", pid, "conducting")
            writer.db.execute("UPDATE worker SET beat=beat-?", (seconds_ago,))
            writer.set_status(begin_job(writer, JOB, "conductor"), "running", 3)
        reader = monitor.Reader(store_path(tmp_path))
        monitor.close_orphans(tmp_path, reader, set())
        found = reader.race(JOB.id), reader.runs(JOB.id)[0]
        reader.close()
        return found

    return look


def test_a_living_conductors_job_is_left_alone(looked_at):
    race, run = looked_at(os.getpid(), 0)
    assert (race.worker, run.status) == ("conductor", "running")


@pytest.mark.parametrize("gone", ["its process", "its beat"])
def test_a_dead_conductors_job_is_interrupted_and_free(looked_at, gone):
    pid, seconds_ago = (2**22 + 1, 0) if gone == "its process" else (os.getpid(), 6)
    race, run = looked_at(pid, seconds_ago)
    assert (race.worker, run.status) == (None, "interrupted")
    assert run.message == ("The sweep that ran it was ended; continue it and this is trained anew.")
