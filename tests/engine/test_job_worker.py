"""The job worker: lines in, lines out, and no life after its stdin."""

import json
import subprocess
import time

import pytest
import torch

import bkn
from bkn.engine.job_process import COMMAND
from bkn.engine.told import last_status
from bkn.store.home import ROOT
from bkn.sweep import Sweep
from tests.engine import toy_job_worker as toy
from tests.patience import PATIENCE, assert_fast

TINY = Sweep(
    methods=("kalman",), micro_batches=(2,), seeds=(0,),
    common={"epochs": 1, "network_options": {"width": 8, "depth": 2}, "device": "cpu"},
).jobs[0]  # fmt: skip


def started(command):
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ask(process, job, do="train"):
    line = json.dumps({"do": do, "job": json.loads(job.to_json())})
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


def answers(process, until=("done", "failed", "timed")):
    """Lines until one of these kinds; all must be JSON."""
    found = []
    while not found or found[-1]["kind"] not in until:
        found.append(json.loads(process.stdout.readline()))
    return [line for line in found if line["kind"] != "alive"]


@pytest.fixture
def worker():
    process = started(toy.COMMAND)
    yield process
    process.kill()
    process.communicate(timeout=PATIENCE)


def told(lines):
    return [one for line in lines for one in line["told"]]


def test_it_trains_one_job_after_the_other(worker):
    for seed in range(2):
        job = toy.job(seed=seed)
        ask(worker, job)
        lines = answers(worker)
        assert {line["job"] for line in lines} == {job.id}
        assert lines[0]["kind"] == "begun"
        assert lines[-1]["kind"] == "done"
        assert last_status(told(lines)) == "finished"
        assert [one[3] for one in told(lines) if one[0] == "row"] == [1, 2, 3]


def test_what_libraries_print_goes_elsewhere(worker):
    ask(worker, toy.job(toy.NOISY))
    assert answers(worker)[-1]["kind"] == "done"  # every line was JSON
    _, printed = worker.communicate(timeout=PATIENCE)
    for words in (b"and so does its C part", b"and a child"):
        assert words in printed


def test_a_wrong_job_is_told_in_words_and_the_next_one_is_trained(worker):
    ask(worker, toy.job(toy.WRONG))
    failed = answers(worker)[-1]
    assert (failed["kind"], failed["message"]) == ("failed", "Lr must be kinder.")
    assert "last" not in failed
    ask(worker, toy.job())
    assert answers(worker)[-1]["kind"] == "done"


def test_a_process_in_which_something_broke_says_so_and_ends(worker):
    ask(worker, toy.job(toy.BROKEN))
    failed = answers(worker)[-1]
    assert failed["message"] == "RuntimeError: the accelerator is on fire."
    assert failed["last"] is True
    assert worker.wait(PATIENCE) == 0


def test_progress_is_told_while_the_job_runs(worker):
    ask(worker, toy.job(toy.ENDLESS))
    lines = answers(worker, until=("told",))
    assert [one[3] for one in told(lines) if one[0] == "row"] == [1, 2, 3]


def test_it_ends_with_its_stdin_whatever_it_does(worker):
    ask(worker, toy.job(toy.ENDLESS))
    answers(worker, until=("told",))
    began = time.monotonic()
    worker.stdin.close()
    worker.wait(PATIENCE)
    assert_fast("end of a busy job worker", time.monotonic() - began, 2.0)
    worker.stdin = None


def test_a_real_job_and_a_real_time():
    process = started(COMMAND)
    ask(process, TINY, "time")
    (_, timed) = answers(process)
    ((name, milliseconds),) = timed["told"]
    assert name == "step_ms"
    assert 0 < milliseconds < 10_000
    ask(process, TINY)
    lines = answers(process)
    (summary,) = [one[2] for one in told(lines) if one[0] == "summary"]
    assert last_status(told(lines)) == "finished"
    torch.set_num_threads(1)
    expected = bkn.train(TINY.experiment, probe="off").summary
    for figure in ("test_accuracy", "test_loss"):
        assert summary[figure] == expected[figure]
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
