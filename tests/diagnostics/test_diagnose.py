"""The whole diagnosis: for every method, without a trace, in time, as plain numbers."""

import json
import math

import pytest
import torch
from torch import nn

import bkn
from bkn.diagnostics.along import SIZES
from bkn.diagnostics.diagnose import OutOfTime, as_json, diagnose, fisher_bound, limited
from bkn.diagnostics.fisher import Eigenvalue
from tests.diagnostics.nets import random_batch, trained

PARTS = {"profile", "output_gradient", "tails", "sign_agreement", "loss_along_gradient", "noise",
         "fisher"}  # fmt: skip


@pytest.fixture
def few_iterations(monkeypatch):
    """How far the eigenvalue comes is not the matter."""
    monkeypatch.setattr("bkn.diagnostics.diagnose.ITERATIONS", 4)


def asked(subject, **more):
    return diagnose(subject.model, subject.x, subject.y, *subject.told, **more)


@pytest.mark.parametrize("method", bkn.methods())
def test_every_method_can_be_diagnosed_without_a_trace(method, few_iterations):
    entrant, subject = trained(method)
    before = {name: value.clone() for name, value in entrant.model.state_dict().items()}
    gradients = {name: p.grad for name, p in entrant.model.named_parameters()}
    kept = {name: None if g is None else g.clone() for name, g in gradients.items()}
    random, modes = torch.get_rng_state(), [m.training for m in entrant.model.modules()]
    logits = entrant.model.eval()(subject.x, *subject.told)
    entrant.model.train()

    report = asked(subject)

    assert set(report) >= PARTS
    assert report["skipped"] == []
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["micro_batch"] == 2
    assert [row["layer"] for row in report["profile"]] == list(entrant.norms)
    assert report["fisher"]["lambda_max"] > 0
    assert report["fisher"]["bound"] == pytest.approx(3.8 / report["fisher"]["lambda_max"], 1e-5)
    assert torch.equal(torch.get_rng_state(), random)
    assert [m.training for m in entrant.model.modules()] == modes
    for name, value in entrant.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    for name, parameter in entrant.model.named_parameters():
        assert parameter.grad is gradients[name], name
        assert kept[name] is None or torch.equal(parameter.grad, kept[name]), name
    assert not any(m._forward_hooks for m in nn.ModuleList(entrant.norms.values()))
    assert torch.equal(entrant.model.eval()(subject.x, *subject.told), logits)


def test_a_diagnosis_says_the_same_twice(few_iterations):
    _, subject = trained("kalman", transition="sampled")
    one, other = asked(subject), asked(subject)
    assert one | {"seconds": 0} == other | {"seconds": 0}


def test_a_plain_model_with_vectors_can_be_diagnosed():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).eval()
    report = bkn.diagnose(model, *random_batch(12, 4, classes=3), momentum=0.0, metric="identity")
    assert report["micro_batch"] == 12
    assert report["noise"]["variance"] is None
    assert report["fisher"]["metric"] == "identity"
    assert report["fisher"]["bound"] == pytest.approx(2 / report["fisher"]["lambda_max"], 1e-5)
    assert not model.training


def test_what_the_domain_is_reaches_the_model():
    _, subject = trained("domain")
    assert asked(subject)["profile"]


def test_an_exploded_model_is_reported_in_nothing_but_nulls():
    _, subject = trained("none")
    with torch.no_grad():
        for parameter in subject.model.parameters():
            parameter.fill_(math.nan)
    report = asked(subject)
    json.dumps(report, allow_nan=False)
    assert report["fisher"] | {"iterations": 0} == {
        "lambda_max": None, "iterations": 0, "change": None, "converged": False, "bound": None,
        "momentum": 0.9, "metric": "softmax",
    }  # fmt: skip
    assert report["profile"][0]["input"]["var"] is None


def test_parts_out_of_time_are_named():
    report = asked(trained("kalman")[1], seconds=-1.0)
    assert report["skipped"] == ["loss_along_gradient", "noise", "fisher"]
    assert "noise" not in report
    assert report["profile"]  # of two passes each: nothing to wait for


@pytest.mark.parametrize("change", [math.nan, 0.5, 0.05])
def test_an_eigenvalue_out_of_time_is_given_if_it_was_settling(monkeypatch, change):
    def approach(*_):
        yield Eigenvalue(2.0, 7, change, False)

    def pulse():
        raise OutOfTime

    monkeypatch.setattr("bkn.diagnostics.diagnose.approach", approach)
    if change == 0.05:
        found = fisher_bound(trained()[1], "softmax", 0.9, pulse)
        assert (found["lambda_max"], found["iterations"], found["converged"]) == (2.0, 7, False)
    else:
        with pytest.raises(OutOfTime):
            fisher_bound(trained()[1], "softmax", 0.9, pulse)


def test_whoever_raises_in_the_pulse_ends_the_diagnosis_and_the_model_is_as_before():
    entrant, subject = trained("kalman")
    before = {name: value.clone() for name, value in entrant.model.state_dict().items()}
    beats = []

    def pulse():
        beats.append(1)
        if len(beats) == 18:  # in the midst of the noise, whose graph is alive
            raise InterruptedError

    with pytest.raises(InterruptedError):
        asked(subject, pulse=pulse)
    assert len(beats) == 18
    for name, value in entrant.model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_pulse_beats_between_all_passes_that_are_many():
    beats = []
    report = asked(trained("kalman")[1], pulse=lambda: beats.append(1))
    assert len(beats) == 1 + len(SIZES) + 8 + report["fisher"]["iterations"]
    with pytest.raises(ZeroDivisionError):
        limited(lambda: 1 / 0, 5.0)()


def test_a_micro_batch_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="micro_batch must divide the batch of 16, got 5"):
        asked(trained()[1], micro_batch=5)
    with pytest.raises(ValueError, match="metric must be"):
        asked(trained()[1], metric="euclid")


def test_numbers_are_plain_and_finite():
    given = {"a": [1.23456789, math.nan, {"b": -math.inf}], "n": 3, "t": "x", "no": False}
    assert as_json(given) == {"a": [1.23457, None, {"b": None}], "n": 3, "t": "x", "no": False}


@pytest.mark.parametrize("momentum", [-3, 1.0, "much", True])
def test_a_momentum_that_is_none_is_refused(momentum):
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match=r"momentum must be a number in \[0, 1\), got"):
        diagnose(torch.nn.Linear(3, 2), x, torch.tensor([0, 1]), momentum=momentum)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (torch.full((16,), 10), r"y must hold classes in \[0, 9\], as the model has 10, got 10"),
        (torch.full((16,), -1), "got -1"),
        (torch.zeros(16), r"y must be int64 of shape \(16,\), got float32 of \(16,\)"),
        (torch.zeros(15).long(), r"got int64 of \(15,\)"),
        (torch.zeros(16, 10), r"got float32 of \(16, 10\)"),
    ],
)
def test_labels_that_are_none_of_the_classes_are_refused(labels, words):
    entrant, subject = trained("batch")
    before = {name: value.clone() for name, value in entrant.model.state_dict().items()}
    with pytest.raises(ValueError, match=words):
        diagnose(subject.model, subject.x, labels)
    for name, value in entrant.model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_model_with_more_than_one_output_is_refused():
    entrant, subject = trained("batch")

    class Twice(nn.Module):
        def forward(self, x):
            return entrant.model(x), x

    with pytest.raises(ValueError, match="must return one tensor of logits, got tuple"):
        diagnose(Twice(), subject.x, subject.y)
