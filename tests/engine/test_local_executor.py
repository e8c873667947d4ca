"""The local executor: slots, losses, cancelling, GPUs; real processes, toy training."""

import os
import subprocess

import pytest

from bkn.engine import job_process, local
from bkn.engine.executor import Timing
from bkn.engine.local import LocalExecutor, default_slots, visible_gpus
from tests.engine import toy_job_worker as toy
from tests.engine.toy import lives
from tests.patience import PATIENCE, until


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes executors of toy processes."""
    monkeypatch.setattr(job_process, "COMMAND", toy.COMMAND)
    monkeypatch.setattr(local, "visible_gpus", lambda: [])
    made = []

    def one(slots=1):
        made.append(LocalExecutor(tmp_path, slots))
        return made[-1]

    yield one
    for executor in made:
        executor.close()


def news_until(executor, kind, count=1):
    """All news until that many of a kind."""
    found = []

    def enough():
        found.extend(executor.poll(0.05))
        return sum(one.kind == kind for one in found) >= count

    until(enough, f"{count} news of kind {kind}")
    return found


def pid_of(news):
    (pid,) = [told[2]["pid"] for one in news for told in one.told if told[0] == "summary"]
    return pid


def pids(executor):
    return [one.process.pid for one in executor._processes if one is not None]


def test_a_process_is_kept_for_the_next_job(make):
    executor = make()
    found = []
    for seed in range(2):
        executor.submit(toy.job(seed=seed))
        news = news_until(executor, "done")
        assert {one.job_id for one in news} == {toy.job(seed=seed).id}
        assert news[0].kind == "begun"
        found.append(pid_of(news))
    assert found[0] == found[1]


def test_slots_train_at_the_same_time_and_no_more_are_taken(make):
    executor = make(2)
    executor.submit(toy.job(toy.ENDLESS, 0))
    executor.submit(toy.job(toy.ENDLESS, 1))
    news_until(executor, "begun", 2)
    assert len(set(pids(executor))) == 2
    with pytest.raises(ValueError, match="all 2 slots are taken"):
        executor.submit(toy.job())


def test_a_process_that_dies_is_news_with_its_last_words(make):
    executor = make()
    executor.submit(toy.job(toy.DYING))
    lost = news_until(executor, "lost")[-1]
    assert lost.job_id == toy.job(toy.DYING).id
    assert lost.message == "The worker ended (exit code 7): these are my last words."
    executor.submit(toy.job())
    assert news_until(executor, "done")


def test_a_killed_process_is_news(make):
    executor = make()
    executor.submit(toy.job(toy.ENDLESS))
    news_until(executor, "begun")
    os.kill(pids(executor)[0], 9)
    assert news_until(executor, "lost")[-1].message == "The worker was killed (signal 9)."


def test_a_process_that_says_nothing_is_ended(make, monkeypatch):
    executor = make()
    executor.submit(toy.job(toy.SILENT))
    news_until(executor, "begun")
    monkeypatch.setattr(job_process, "HUNG_AFTER", 1.0)
    lost = news_until(executor, "lost")[-1]
    assert lost.message == "The worker gave no sign of life for 1 seconds and was ended."


def test_a_broken_process_is_not_given_another_job(make):
    executor = make()
    executor.submit(toy.job(toy.BROKEN))
    assert news_until(executor, "failed")[-1].message.endswith("on fire.")
    executor.submit(toy.job())
    assert {one.kind for one in news_until(executor, "done")} <= {"begun", "told", "done"}


def test_a_process_that_says_that_it_ends_loses_its_slot_at_once(make):
    """It may take a while to end: a job that it gets meanwhile would be lost."""
    executor = make()
    executor.submit(toy.job())
    news_until(executor, "done")
    (process,) = executor._processes
    line = {"job": toy.job().id, "kind": "failed", "told": [], "message": "on fire.", "last": True}
    executor._hear(process, line)
    assert executor._processes == [None]
    process.end(PATIENCE)


def test_cancelling_ends_the_process_and_frees_the_slot(make):
    executor = make()
    executor.submit(toy.job(toy.ENDLESS))
    news_until(executor, "begun")
    (pid,) = pids(executor)
    executor.cancel(toy.job(toy.ENDLESS).id)
    assert not lives(pid)
    executor.submit(toy.job())
    news = news_until(executor, "done")
    assert {one.job_id for one in news} == {toy.job().id}


def test_closing_ends_busy_processes_and_leaves_no_logs(make, tmp_path):
    executor = make(2)
    executor.submit(toy.job(toy.ENDLESS))
    executor.submit(toy.job(toy.ENDLESS, 1))
    news_until(executor, "begun", 2)
    gone = pids(executor)
    executor.close()
    assert not any(lives(pid) for pid in gone)
    assert not list((tmp_path / "logs").iterdir())


def test_a_process_that_cannot_be_started_is_a_loss(make, monkeypatch):
    def refuse(*_, **__):
        raise OSError("too many processes")

    executor = make()
    monkeypatch.setattr(subprocess, "Popen", refuse)
    executor.submit(toy.job())
    (lost,) = executor.poll(0.0)
    assert (lost.kind, lost.job_id) == ("lost", toy.job().id)
    assert lost.message == "No process can be started now: too many processes."


def test_it_times_jobs(make):
    executor = make()
    assert isinstance(executor, Timing)
    executor.time(toy.job())
    timed = news_until(executor, "timed")[-1]
    assert list(timed.told) == [["step_ms", 12.5]]


def test_every_slot_sees_one_gpu(make, monkeypatch):
    monkeypatch.setattr(local, "visible_gpus", lambda: ["4", "6"])
    seen = []
    monkeypatch.setattr(local, "JobProcess", lambda home, hear, gpu: seen.append(gpu) or _Nobody())
    executor = make(3)
    for seed in range(3):
        executor.submit(toy.job(seed=seed))
    assert seen == ["4", "6", "4"]
    executor.close()


class _Nobody:
    job_id = ""

    def give(self, do, job):
        self.job_id = job.id

    def hang_up(self): ...
    def end(self, timeout): ...


@pytest.mark.parametrize(("given", "found"), [("0,2", ["0", "2"]), ("", []), ("-1", [])])
def test_gpus_are_those_that_the_environment_allows(monkeypatch, given, found):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert visible_gpus() == found


def test_gpus_are_counted_by_the_driver_else(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    listed = "GPU 0: H100 (UUID: GPU-1)\n  MIG 1g.10gb Device 0\nGPU 1: H100 (UUID: GPU-2)\n"
    done = subprocess.CompletedProcess([], 0, stdout=listed)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert visible_gpus() == ["0", "1"]


def test_slots_by_default(monkeypatch):
    monkeypatch.delenv("BKN_SWEEP_JOBS", raising=False)
    monkeypatch.setattr(local, "cores", lambda: 4)
    assert default_slots([]) == 3
    assert default_slots(["0", "1"]) == 2
    monkeypatch.setattr(local, "cores", lambda: 1)
    assert default_slots([]) == 1
    monkeypatch.setenv("BKN_SWEEP_JOBS", "7")
    assert default_slots(["0"]) == 7
    monkeypatch.setenv("BKN_SWEEP_JOBS", "many")
    with pytest.raises(ValueError, match="BKN_SWEEP_JOBS must be a whole number above 0"):
        default_slots([])


def test_slots_below_one_are_refused(tmp_path):
    with pytest.raises(ValueError, match="jobs at a time must be at least 1, got 0"):
        LocalExecutor(tmp_path, 0)
