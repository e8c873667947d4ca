"""A race that is diagnosed on its way is the race that is not."""

import json

import pytest

from bkn.experiment import Race
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink


@pytest.fixture(autouse=True)
def few_iterations(monkeypatch):
    """How far the eigenvalue comes is not the matter here."""
    monkeypatch.setattr("bkn.diagnostics.diagnose.ITERATIONS", 4)


def raced(diagnose_at=(), entrants=("kalman:transition=sampled", "batch"), steps=6, **common):
    """Losses of a small race, its events, and the trainer."""
    settings = {"batch": 16, "device": "cpu", "network_options": {"depth": 4, "width": 4}}
    race = Race.of(entrants, probe="off", **settings | common)
    sink = MemorySink(race)
    trainer = RaceTrainer(race, sink, record_every=0.0)
    for _ in range(steps):
        if trainer.step in diagnose_at:
            for run in range(len(race.experiments)):
                trainer.diagnose({"run": run}, lambda: None)
        trainer.advance()
    losses = [run.scalars()["loss"].tolist() for run in sink.runs]
    return losses, sink.events, trainer


def test_losses_are_the_same_to_the_last_bit():
    undisturbed, _, _ = raced(steps=5)
    losses, events, _ = raced(diagnose_at=(0, 3), steps=5)
    assert losses == undisturbed
    assert [(step, kind) for step, kind, _ in events] == [(0, "diagnosis")] * 2 + [
        (3, "diagnosis")
    ] * 2


def test_the_event_holds_the_report_of_its_run():
    _, events, trainer = raced(diagnose_at=(3,))
    for run, (_, _, payload) in enumerate(events):
        assert json.loads(json.dumps(payload, allow_nan=False)) == payload
        assert payload["run"] == run
        assert payload["images"] == 16
        assert payload["micro_batch"] == 2
        assert [row["layer"] for row in payload["profile"]] == list(trainer.entrants[run].norms)
        assert payload["fisher"]["momentum"] == 0.9
        assert payload["lr_peak"] == 0.05
        assert 0 < payload["lr"] < 0.05
    assert events[0][2]["fisher"]["lambda_max"] != events[1][2]["fisher"]["lambda_max"]


def test_it_measures_by_the_micro_batch_that_is_in_force():
    _, events, trainer = raced(diagnose_at=(0,), steps=1)
    trainer.change("micro_batch", 8)
    trainer.diagnose({"run": 1}, lambda: None)
    assert events[-1][2]["micro_batch"] == 8
    assert events[-1][2]["profile"] != events[1][2]["profile"]


def test_copies_and_domains_reach_the_model():
    styles = {"dataset": "shapes", "dataset_options": {"styles": "four"}}
    _, events, _ = raced((0,), ("domain",), steps=1, copies=2, **styles)
    assert events[0][2]["images"] == 32
    assert events[0][2]["skipped"] == []


def test_runs_that_are_over_and_unknown_ones_are_refused():
    _, events, trainer = raced(steps=1)
    trainer.entrants[1].status = "diverged"
    with pytest.raises(ValueError, match="run 1 cannot be diagnosed: it is diverged"):
        trainer.diagnose({"run": 1}, lambda: None)
    with pytest.raises(ValueError, match="run must be the position of an entrant"):
        trainer.diagnose({"run": 2}, lambda: None)
    assert events == []
