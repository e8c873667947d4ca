"""Races on images of several domains: who is told what, and the accuracy on the held-out one."""

from dataclasses import replace

import pytest
import torch

from bkn import Experiment, Race, train
from bkn.catalog import DATASETS
from bkn.data import digits
from bkn.data.base import OneDomain
from bkn.data.scenes import Scenes
from bkn.data.shapes import Shapes, Split
from bkn.training.entrant import Entrant
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink, train_race
from tests.training.resuming import assert_continued_equals_uninterrupted

STYLES = "filled", "outline", "negative"
SMALL = {
    "dataset": "shapes",
    "dataset_options": {"styles": "four"},
    "network_options": {"depth": 2, "width": 4},
    "epochs": 1,
    "device": "cpu",
    "batch": 16,
}
CPU = torch.device("cpu")


def few_shapes(device="cpu", **options) -> Shapes:
    """The first pictures of every split."""
    train, test = Scenes(64, 1, 0.2), Scenes(40, 2, 0.2)
    held_out = None if options["held_out"] == "none" else Split(test, "held-out", ("sketch",))
    return Shapes(Split(train, "training", STYLES), Split(test, "test", STYLES), held_out)


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    monkeypatch.setattr("bkn.data.shapes.load", few_shapes)
    monkeypatch.setitem(DATASETS, "shapes", replace(DATASETS["shapes"], train=64, test=40))


def watched(entrant: Entrant) -> list[tuple[bool, int, torch.Tensor | None]]:
    """What the model is called with, from now on: training, images, domains."""
    calls = []
    entrant.model.register_forward_pre_hook(
        lambda model, args: calls.append((model.training, len(args[0]), (*args, None)[1]))
    )
    return calls


def entrant_of(method: str, **options) -> Entrant:
    experiment = Experiment(method=method, options=options, **SMALL)
    return Entrant(experiment, few_shapes(held_out="sketch"), CPU)


def test_the_number_of_domains_is_that_of_the_images():
    assert {norm.domains for norm in entrant_of("domain").norms.values()} == {3}
    assert {norm.domains for norm in entrant_of("domain", domains=5).norms.values()} == {5}
    with pytest.raises(
        ValueError, match=r"domains must be at least 3, .* \(filled, outline, negative\), got 2"
    ):
        entrant_of("domain", domains=2)
    one = Entrant(Experiment(method="domain", options={}, device="cpu"), digits.load(), CPU)
    assert {norm.domains for norm in one.norms.values()} == {1}


def test_domains_of_the_batch_are_told_to_who_takes_them_and_to_nobody_else():
    race = Race.of(["domain", "batch"], **SMALL, copies=2, probe="off")
    trainer = RaceTrainer(race, MemorySink(race))
    domain, batch = (watched(entrant) for entrant in trainer.entrants)
    trainer.advance()
    (told,) = [call[2] for call in domain if call[0]]
    expected = trainer.images.train_domains(trainer._batches._order.batch_of(0))
    assert torch.equal(told, expected.repeat_interleave(2))
    assert all(call[2] is None for call in batch)


def test_known_domains_are_told_in_tests_and_the_unseen_is_not():
    entrant = entrant_of("domain")
    calls = watched(entrant)
    loss, accuracy, held_out = entrant.test()
    (_, known, told), (_, unseen, nothing) = calls
    assert (known, unseen) == (40, 40)
    assert torch.equal(told, entrant.images.test_domains(torch.arange(40)))
    assert nothing is None
    assert loss > 0
    assert 0 <= accuracy <= 1
    assert 0 <= held_out <= 1
    assert entrant.model.training


def test_held_out_accuracy_is_recorded_where_a_style_is_held_out():
    runs = train_race(Race.of(["domain", "group"], **SMALL))
    for run in runs:
        recorded = run.scalars()["held_out_accuracy"].dropna()
        assert recorded.iloc[-1] == run.summary["held_out_accuracy"]
        assert len(recorded) == len(run.scalars()["test_accuracy"].dropna())
    options = {"dataset_options": {"styles": "four", "held_out": "none"}}
    plain = train(Experiment(method="group", options={}, **SMALL | options))
    assert "held_out_accuracy" not in plain.summary
    assert "held_out_accuracy" not in plain.scalars()


def test_estimates_are_held_against_the_truth_of_their_own_domain():
    entrant = entrant_of("domain")
    trainer = RaceTrainer(
        Race((entrant.experiment,)), sink := MemorySink(Race((entrant.experiment,)))
    )
    trainer.advance()
    layers = sink.runs[0].layers().set_index("layer")
    norm = trainer.entrants[0].norms["layer1"]
    norm.micro_batch = None  # the probe's 64 images in one: every cell is its domain's truth
    probe = trainer._light_probes()[0]
    whole = dict(zip(probe.columns, probe.measure(trainer.entrants[0].model), strict=True))
    assert whole["layer1/mean_error_observation"] == pytest.approx(0, abs=1e-9)
    assert whole["layer1/var_error_observation"] == pytest.approx(0, abs=1e-9)
    assert layers.loc["layer1", "var_error_observation"] > 0


def test_a_continued_race_equals_the_uninterrupted_one():
    race = Race.of(["domain:scales=own"], **SMALL)
    assert_continued_equals_uninterrupted(race, 2, 2)


def test_one_domain_trains_as_batch_norm_does_and_learns():
    common = {"epochs": 1, "device": "cpu"}
    ours, theirs = train_race(Race.of(["domain", "batch"], micro_batch=8, **common))
    assert ours.summary["test_loss"] == theirs.summary["test_loss"]
    assert ours.summary["test_accuracy"] > 0.4


def test_images_of_one_domain_hold_none_out():
    with pytest.raises(ValueError, match="no domain is held out"):
        OneDomain().held_out_test(torch.tensor([0]))
