"""Figures of a summary: equal to those by hand, finite for every method, and without a trace."""

import math

import pytest
import torch

from bkn import methods
from bkn.experiment import Experiment, Race
from bkn.sweep import Job
from bkn.training import measures
from bkn.training.job import run_job
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink

SMALL = {"epochs": 1, "network_options": {"width": 8, "depth": 4}, "device": "cpu"}


def trainer_of(**settings):
    race = Race((Experiment(**{**SMALL, **settings}),), "off")
    return RaceTrainer(race, MemorySink(race), record_every=math.inf)


def test_the_weight_norm_is_the_geometric_mean_without_the_classifier():
    trainer = trainer_of(method="batch")
    model = trainer.entrants[0].model
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    with torch.no_grad():
        for k, layer in enumerate(convolutions):
            layer.weight.mul_(2.0**k / layer.weight.norm())  # norms 1, 2, 4, 8
    assert measures.weight_norm(model) == pytest.approx(2**1.5, rel=1e-5)


def test_a_net_without_norms_that_doubles_its_signal_grows():
    trainer = trainer_of(method="none")
    before = measures.at_start(trainer)["activation_growth_start"]
    with torch.no_grad():
        for module in trainer.entrants[0].model.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.mul_(2.0)
    grown = measures.at_start(trainer)["activation_growth_start"]
    assert grown - before == pytest.approx(math.log10(4), abs=1e-3)


def test_share_and_growth_by_hand(monkeypatch):
    rows = [
        {"mean": 0.0, "mean_spread": 0.0, "var": 1.0, "var_spread": 0.0},
        {"mean": 0.0, "mean_spread": 3.0, "var": 1.0, "var_spread": 0.0},
        {"mean": 6.0, "mean_spread": 8.0, "var": 0.0, "var_spread": 0.0},
    ]
    trainer = trainer_of(method="batch")
    monkeypatch.setattr(measures, "arriving", lambda entrant, trainer: rows[:2])
    figures = measures.at_end(trainer)
    assert figures["channel_share_end"] == pytest.approx(0.9)
    assert figures["activation_growth_end"] == pytest.approx(1.0)
    monkeypatch.setattr(measures, "arriving", lambda entrant, trainer: rows)
    assert measures.at_end(trainer)["channel_share_end"] == 1.0
    monkeypatch.setattr(measures, "arriving", lambda entrant, trainer: [{**rows[0], "var": 0.0}])
    assert set(measures.at_end(trainer)) == {"weight_norm_end"}


@pytest.mark.parametrize("method", methods())
def test_every_method_is_measured_without_a_trace(method):
    trainer, twin = trainer_of(method=method), trainer_of(method=method)
    figures = measures.at_start(trainer)
    names = {"weight_norm_start", "activation_growth_start", "channel_share_start"}
    assert set(figures) == names
    assert 0 <= figures["channel_share_start"] <= 1
    for one in (trainer, twin):
        one.advance(record=True)
        one.advance(record=True)
    measures.at_end(trainer)
    for a, b in zip(*(t.entrants[0].model.state_dict().values() for t in (trainer, twin)),
                    strict=True):  # fmt: skip
        assert torch.equal(a, b)


def test_a_job_tells_its_figures():
    job = Job(Experiment(method="batch", **SMALL, weight_decay=0.0), "start")
    sink = MemorySink(Race((job.experiment,), "off"))
    run_job(job, sink)
    summary = sink.runs[0].summary
    assert summary["weight_norm_end"] > summary["weight_norm_start"] > 0
    assert summary["fisher"] > 0
    assert summary["fisher_converged"] in (0, 1)
    assert {"activation_growth_end", "channel_share_end"} <= set(summary)


def test_what_a_diagnosis_left_out_is_missing():
    assert measures.of_report({"skipped": ["fisher"]}) == {}
    assert measures.of_report({"fisher": {"lambda_max": None, "converged": False}}) == {}
    told = measures.of_report({"fisher": {"lambda_max": 3, "converged": True}})
    assert told == {"fisher": 3.0, "fisher_converged": 1.0}
