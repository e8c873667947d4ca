"""The Ray executor on a real cluster of two nodes on this machine, one of which is killed."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")

from ray._private import services

from bkn.engine import ray_executor
from bkn.engine.conductor import Conductor
from bkn.engine.executor import BEGUN, DONE, FAILED, LOST, TIMED, TOLD, News
from bkn.engine.ray_executor import RayExecutor
from bkn.engine.told import TellingSink
from bkn.results import results
from bkn.store.home import ROOT, store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import sweep_row
from bkn.sweep import Sweep
from bkn.training.job import run_job
from tests.engine.ray_nodes import SETTINGS, Nodes, patient
from tests.engine.toy import lives
from tests.patience import until

PROCESS = re.compile(r"process (\d+)")  # in the place of an attempt
CLOCK = ("seconds", "wall_seconds", "step_ms")  # figures that differ from run to run


def jobs(seeds=1, epochs=2, device="cpu", methods=("batch",)):
    common = {"epochs": epochs, "device": device}
    return Sweep(methods, micro_batches=(64,), seeds=tuple(range(seeds)), common=common)


(SHORT,), (ENDLESS,) = jobs().jobs, jobs(epochs=1000).jobs


@pytest.fixture(scope="module")
def nodes():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        patch.setattr(services, "get_node", patient(services.get_node))
        made = Nodes()
        yield made
        made.close()


@pytest.fixture(scope="module")
def kept():
    """The executor of all tests: its processes have imported torch."""
    made = []
    yield made
    for one in made:
        one.close()


@pytest.fixture
def executor(nodes, kept):
    """Idle, on two living nodes."""
    assert nodes.second
    if not kept:
        kept.append(RayExecutor(nodes.address, slots=2))
    (made,) = kept
    until(lambda: made.poll(0.1) == [] and made.cluster.has("CPU") == 2.0, "two nodes")
    yield made
    for job_id in list(made._attempts):
        made.cancel(job_id)


def news_until(executor, kind, count=1):
    """All news until that many of a kind."""
    found = []

    def enough():
        found.extend(executor.poll(0.1))
        assert not [one for one in found if one.kind in {FAILED, LOST} - {kind}]
        return sum(one.kind == kind for one in found) >= count

    until(enough, f"{count} news of kind {kind}")
    return found


def pid_of(executor, job):
    return int(PROCESS.search(executor._attempts[job.id].place)[1])


def test_nodes_work_with_the_code_that_was_shipped(executor):
    assert len(executor.cluster.nodes) == 2
    for node in executor.cluster.nodes:
        assert "working_dir_files" in node["code"]
        assert node["missing"] == []


def test_what_it_tells_is_what_training_here_tells(executor):
    told = []
    run_job(SHORT, TellingSink(told.append))
    executor.submit(SHORT)
    news = news_until(executor, DONE)
    assert [one.kind for one in news] == [BEGUN, *[TOLD] * (len(news) - 2), DONE]
    assert {one.job_id for one in news} == {SHORT.id}
    assert timeless(line for one in news for line in one.told) == timeless(told)


def timeless(told):
    """What does not hang on the clock: losses, rates and tests by step, the last figures."""
    found = []
    for name, _, *rest in told:
        if name == "row":
            stream, step, _, values = rest
            found.append((stream, step, values[:4]))
        elif name == "summary":
            found.append({key: rest[0][key] for key in rest[0] if key not in CLOCK})
    return found


def test_it_times(executor):
    executor.time(SHORT)
    ((name, milliseconds),) = news_until(executor, TIMED)[-1].told
    assert name == "step_ms"
    assert 0 < milliseconds < 60_000


class Here:
    """Trains in this process: how a sweep goes where nothing happens to it."""

    slots = 1

    def __init__(self):
        self.news = []

    def submit(self, job):
        told = []
        run_job(job, TellingSink(told.append))
        self.news += [News(job.id, BEGUN), News(job.id, DONE, told)]

    def poll(self, timeout):
        news, self.news = self.news, []
        return news

    def cancel(self, job_id):
        """Nothing is under way between two calls."""

    def close(self):
        """Nothing to end."""


class Unlucky:
    """The executor, and a node that dies in the middle of the first job that is heard of there."""

    def __init__(self, executor, nodes):
        self.executor, self.nodes, self.news = executor, nodes, []
        self.submit, self.cancel, self.slots = executor.submit, executor.cancel, 2
        self.dead = None

    def poll(self, timeout):
        news = self.executor.poll(timeout)
        self.news += news
        for one in news:
            if one.kind == TOLD and self.dead is None and one.job_id in self.executor._attempts:
                pid = int(PROCESS.search(self.executor._attempts[one.job_id].place)[1])
                if self.nodes.trains_on_second(pid):
                    self.dead = one.job_id
                    self.nodes.kill_second(pid)
        return news

    def close(self):
        """It is kept for other tests."""


def conduct(home, sweep, executor):
    """Run a sweep to its end; its results with curves, and rows per stream of the store."""
    conductor = Conductor(home, lambda: executor)
    reader = Reader(store_path(home))
    try:
        sweep_id = conductor.start(sweep)
        until(lambda: sweep_row(reader, sweep_id).status == "finished", "the end of the sweep")
        counts = reader.query(
            "SELECT run.race, stream.name, count(*), count(DISTINCT row.step) FROM row "
            "JOIN stream ON stream.id=row.stream JOIN run ON run.id=stream.run "
            "GROUP BY stream.id ORDER BY run.race, stream.name"
        )
        return results(reader, sweep.jobs, curves=True), counts
    finally:
        conductor.close()
        reader.close()


def test_a_node_dies_in_the_middle_and_no_run_is_lost_or_doubled(executor, nodes, tmp_path):
    sweep = jobs(seeds=3, epochs=6)
    unlucky = Unlucky(executor, nodes)
    found, counts = conduct(tmp_path / "cluster", sweep, unlucky)
    expected, expected_counts = conduct(tmp_path / "here", sweep, Here())
    lost = [one for one in unlucky.news if one.kind == LOST]
    assert [one.job_id for one in lost] == [unlucky.dead]
    assert lost[0].message.startswith("The node was lost that trained it on ")
    ended = [one.job_id for one in unlucky.news if one.kind == DONE]
    assert sorted(ended) == sorted(job.id for job in sweep.jobs)
    assert table(found) == table(expected)
    assert counts == expected_counts
    assert all(rows == steps for _, _, rows, steps in counts)


def table(found):
    """What a sweep came to, but for times."""
    return [
        (
            one.job.id,
            one.status,
            one.step,
            {name: value for name, value in one.summary.items() if name not in CLOCK},
            one.curve.steps.tolist(),
            one.curve.accuracy.tolist(),
        )
        for one in found
    ]


def test_a_gpu_is_asked_for_where_there_is_one(executor, nodes):
    (job,) = jobs(device="cuda").jobs
    assert executor.needs(job) == {"num_cpus": 1.0, "num_gpus": 1.0}
    assert executor.needs(SHORT) == {"num_cpus": 1.0, "num_gpus": 0.0}
    executor.submit(job)
    news_until(executor, BEGUN)
    assert nodes.trains_on_second(pid_of(executor, job))
    failed = news_until(executor, FAILED)[-1]  # it has a GPU by name only
    assert failed.message.startswith("Device 'cuda' is not on this machine; here: auto, cpu")


def test_a_cancelled_job_ends_and_is_not_heard_of_again(executor):
    executor.submit(ENDLESS)
    news_until(executor, BEGUN)
    pid = pid_of(executor, ENDLESS)
    executor._attempts[ENDLESS.id].heard_at -= 1000.0  # as after a sleep of this process
    assert {one.kind for one in executor.poll(5.0)} <= {TOLD}
    executor.cancel(ENDLESS.id)
    executor.submit(SHORT)
    assert {one.job_id for one in news_until(executor, BEGUN)} == {SHORT.id}
    until(lambda: not lives(pid), "the end of its process")


def test_an_attempt_that_falls_silent_is_given_up_and_ended(executor, monkeypatch):
    executor.submit(ENDLESS)
    news_until(executor, BEGUN)
    pid = pid_of(executor, ENDLESS)
    os.kill(pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(ray_executor, "SILENT_AFTER", 1.0)
        lost = news_until(executor, LOST)[-1]
    assert lost == News(ENDLESS.id, LOST, (), lost.message)
    assert f"(process {pid}) gave no sign of life for 1 seconds." in lost.message
    executor.submit(ENDLESS)
    news_until(executor, BEGUN)
    assert pid_of(executor, ENDLESS) != pid
    with suppress(ProcessLookupError):  # it was killed although it stood still
        os.kill(pid, signal.SIGCONT)
    until(lambda: not lives(pid), "the end of the attempt that was given up")
    assert {one.kind for one in executor.poll(0.0)} <= {TOLD}


DRIVER = """
import sys
from bkn.engine.ray_executor import RayExecutor
from bkn.sweep import Job
executor, job = RayExecutor(sys.argv[1], slots=1), Job.from_json(sys.argv[2])
executor.submit(job)
while not executor.poll(1.0):
    pass
print(executor._attempts[job.id].place, flush=True)
executor.poll(3600.0)
"""


def test_tasks_end_with_a_driver_that_is_killed(nodes):
    command = [sys.executable, "-c", DRIVER, nodes.address, ENDLESS.to_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as driver:
        try:
            pid = int(PROCESS.search(driver.stdout.readline())[1])
            assert lives(pid)
        finally:
            driver.kill()
    until(lambda: not lives(pid), "the end of its task")


def test_closing_ends_the_tasks_and_leaves_the_cluster(executor, nodes, kept):
    executor.submit(ENDLESS)
    news_until(executor, BEGUN)
    pid = pid_of(executor, ENDLESS)
    executor.close()
    kept.clear()
    until(lambda: not lives(pid), "the end of its task")
    assert all(map(lives, nodes.daemons))
