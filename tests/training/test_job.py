"""A job gives the bits of bkn.train, records by step, and its summary holds all figures."""

import math

import pytest
import torch

import bkn
from bkn.experiment import Experiment, Race
from bkn.sweep import Job
from bkn.training import job as jobs
from bkn.training import measures
from bkn.training.job import run_job, time_job
from bkn.training.run import MemorySink

SMALL = Experiment(
    method="kalman", epochs=1, network_options={"width": 8, "depth": 2}, device="cpu"
)


def trained(job, pulse=None):
    sink = MemorySink(Race((job.experiment,), "off"))
    run_job(job, sink, pulse)
    return sink.runs[0], sink.events


def test_a_job_is_trained_like_any_experiment():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected = bkn.train(SMALL, probe="off")
        run, _ = trained(Job(SMALL))
    finally:
        torch.set_num_threads(before)
    assert run.status == "finished"
    for name in ("test_accuracy", "test_loss"):
        assert run.summary[name] == expected.summary[name]
    kept = [c for c in expected.scalars() if c not in ("time", "step_ms", "probe_share")]
    assert run.scalars()[kept].equals(expected.scalars()[kept])
    assert run.summary["wall_seconds"] >= run.summary["seconds"] > 0


def test_a_job_runs_on_one_thread_and_puts_the_number_back():
    seen, before = [], torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        trained(Job(SMALL), lambda: seen.append(torch.get_num_threads()))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}
    assert len(seen) == SMALL.steps


def test_a_long_job_records_by_step_and_keeps_every_loss_in_mean_and_extremes(monkeypatch):
    whole, _ = trained(Job(SMALL))
    monkeypatch.setattr(jobs, "ROWS", 6)
    thin, _ = trained(Job(SMALL))
    rows, all_rows = (run.scalars().dropna(subset="loss") for run in (thin, whole))
    assert list(rows["step"]) == [1, 4, 8, 12, 16, 20, 21]  # the first, every fourth, the last
    assert rows["loss_max"].max() == all_rows["loss"].max()
    assert thin.summary["test_accuracy"] == whole.summary["test_accuracy"]


def test_a_job_says_how_far_it_is_though_rows_are_rare(monkeypatch):
    monkeypatch.setattr(jobs, "ROWS", 1)
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)
    heard = []
    sink = MemorySink(Race((SMALL,), "off"))
    sink.status = lambda run, status, step, message="": heard.append((status, step))
    run_job(Job(SMALL), sink)
    assert [step for status, step in heard if status == "running"] == [0, *range(1, SMALL.steps)]
    assert heard[-1] == ("finished", SMALL.steps)


def test_a_job_that_diverges_says_so_and_is_not_measured_further(monkeypatch):
    monkeypatch.setattr(measures, "at_start", lambda trainer: {"norm_start": 1.0})
    monkeypatch.setattr(measures, "at_end", lambda trainer: {"norm_end": math.nan})
    wild = Experiment(
        method="none", lr=1e6, epochs=1, network_options={"width": 8, "depth": 2}, device="cpu"
    )
    run, events = trained(Job(wild, "end"))
    assert run.status == "diverged"
    assert "nats at step" in run.message
    assert run.summary["norm_start"] == 1.0
    assert "norm_end" not in run.summary
    assert not events


@pytest.mark.parametrize(("when", "step"), [("start", 0), ("end", SMALL.steps)])
def test_a_diagnosed_job_has_its_figures_and_the_same_result(monkeypatch, when, step):
    monkeypatch.setattr(measures, "of_report", lambda report: {"seen_at": float(report["step"])})
    plain, _ = trained(Job(SMALL))
    run, events = trained(Job(SMALL, when))
    assert [(at, kind) for at, kind, _ in events] == [(step, "diagnosis")]
    assert run.summary["seen_at"] == step
    assert run.summary["test_accuracy"] == plain.summary["test_accuracy"]


def test_the_time_of_a_step_is_measured():
    assert 0 < time_job(Job(SMALL)) < 10_000
