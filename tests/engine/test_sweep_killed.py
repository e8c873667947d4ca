"""A sweep killed with -9 at random moments and continued: the same table, nothing trained twice."""

import os
import random
import signal
import subprocess
import sys

import pytest

from bkn.store.home import ROOT, store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import DONE, job_rows, sweeps
from tests.engine.toy import lives
from tests.patience import PATIENCE, assert_fast, seconds_until, until

COMMAND = [
    sys.executable, "-m", "bkn", "sweep", "batch", "kalman", "--micro-batches", "2", "64",
    "--seeds", "2", "--epochs", "4", "--network-option", "width=8", "--network-option", "depth=2",
    "--device", "cpu", "--jobs", "2",
]  # fmt: skip


class Running:
    """The command, started on a home of its own, and what its store says."""

    def __init__(self, home):
        self.process = subprocess.Popen(
            COMMAND, cwd=ROOT, env={**os.environ, "BKN_HOME": str(home), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.reader = Reader(store_path(home))

    @property
    def rows(self):
        found = sweeps(self.reader)
        return job_rows(self.reader, [job.id for job in found[0].sweep.jobs]) if found else {}

    @property
    def steps(self):
        return sum(row.step for row in self.rows.values())

    @property
    def workers(self):
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return [int(pid) for pid in listed.stdout.split() if lives(pid)]

    def done(self):
        """How often each job that is done was begun."""
        ids = [job_id for job_id, row in self.rows.items() if row.status in DONE]
        return {job_id: self.reader.race(job_id).rewinds for job_id in ids}

    def until_step(self, step):
        until(lambda: self.steps >= step or self.process.poll() is not None, f"step {step}")

    def table(self):
        printed, said = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, said
        return printed

    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.close()


@pytest.fixture
def run(tmp_path):
    started = []

    def make(name):
        started.append(Running(tmp_path / name))
        return started[-1]

    yield make
    for one in started:
        one.close()


def test_killed_three_times_and_continued_it_gives_the_table_of_an_undisturbed_one(run):
    expected = run("undisturbed").table()
    chance, done = random.Random(5), {}
    for step in sorted(chance.sample(range(40, 600), 3)):  # of 672, so jobs are cut short
        killed = run("killed")
        killed.until_step(step)
        workers = killed.workers
        killed.process.kill()
        killed.process.wait()
        seconds = seconds_until(lambda pids=workers: not any(map(lives, pids)), "their end")
        assert_fast("kill -9 of the sweep to no worker left", seconds, 3.0, most=50.0)
        assert done.items() <= killed.done().items()
        done = killed.done()

    last = run("killed")
    until(lambda: last.workers, "a worker")
    os.kill(chance.choice(last.workers), signal.SIGKILL)  # and one of these, too
    assert last.table() == expected
    assert done.items() <= last.done().items()
    assert len(last.done()) == 8
