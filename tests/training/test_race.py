"""The race: lock-step, determinism, live changes, divergence, checkpoints."""

import io
import math
import re
from dataclasses import replace

import pytest
import torch

from bkn import Experiment, Race, train
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink, train_race

SMALL = {"network_options": {"depth": 2, "width": 4}, "epochs": 1, "device": "cpu", "batch": 32}


def losses(run) -> list[float]:
    return run.scalars()["loss"].dropna().tolist()


def start(race: Race, record_every: float = 0.0) -> tuple[RaceTrainer, MemorySink]:
    sink = MemorySink(race)
    return RaceTrainer(race, sink, record_every), sink


def advance(trainer: RaceTrainer, steps: int) -> None:
    for _ in range(steps):
        trainer.advance()


def test_train_gives_summary_scalars_and_layers():
    run = train(Experiment(**SMALL))
    assert run.status == "finished"
    assert run.summary["steps"] == run.experiment.steps == len(losses(run))
    assert 0 <= run.summary["test_accuracy"] <= 1
    assert run.scalars()["test_accuracy"].dropna().iloc[-1] == run.summary["test_accuracy"]
    layers = run.layers()
    assert layers["layer"].unique().tolist() == ["layer1", "layer2"]
    last = layers[layers["step"] == run.experiment.steps].set_index("layer")
    assert len(last) == 2
    assert math.isnan(last.loc["layer1", "mean_error_prior"])
    assert last.loc["layer2", "mean_error_prior"] > 0


@pytest.mark.parametrize("entrant", ["batch", "kalman", "kalman:transition=sampled"])
def test_the_same_experiment_gives_the_same_bits(entrant):
    race = Race.of([entrant], **SMALL)
    assert losses(train_race(race)[0]) == losses(train_race(race)[0])


def test_company_changes_nothing():
    together = train_race(Race.of(["kalman:transition=sampled", "batch", "group"], **SMALL))
    for run in together:
        assert losses(run) == losses(train(run.experiment))


def test_probing_changes_nothing():
    race = Race.of(["batch", "kalman", "kalman:transition=sampled"], **SMALL)
    with_probe, without = train_race(race), train_race(replace(race, probe="off"))
    for watched, alone in zip(with_probe, without, strict=True):
        assert len(watched.layers()) > 0
        assert len(alone.layers()) == 0
        assert losses(watched) == losses(alone)
        assert watched.summary["test_loss"] == alone.summary["test_loss"]


def test_all_entrants_start_from_the_same_weights():
    trainer, _ = start(Race.of(["none", "batch", "group", "kalman:gain=learned"], **SMALL))
    first = dict(trainer.entrants[0].model.named_parameters())
    for entrant in trainer.entrants[1:]:
        for name, weight in entrant.model.named_parameters():
            if weight.ndim > 1:
                assert torch.equal(weight, first[name]), name


def test_a_diverging_run_ends_in_words_and_the_others_go_on():
    trainer, sink = start(Race.of(["none", "batch"], **SMALL, lr=1e5))
    while not trainer.finished:
        trainer.advance()
    trainer.finish()
    none, batch = sink.runs
    assert none.status == "diverged"
    assert "nats at step" in none.message
    step = int(none.summary["steps"])
    assert f"step {step}" in none.message
    assert none.scalars()["step"].max() < step
    assert all(math.isfinite(loss) for loss in losses(none))
    if batch.status == "finished":  # normalized weights survive absurd rates
        assert batch.summary["steps"] == trainer.steps
    else:
        assert batch.status == "diverged"


def test_a_race_in_which_all_diverge_is_finished():
    trainer, sink = start(Race.of(["none"], **SMALL, lr=1e6))
    while not trainer.finished:
        trainer.advance()
    trainer.finish()
    assert trainer.step < trainer.steps
    assert sink.runs[0].status == "diverged"


def test_changes_apply_from_the_next_step_and_become_events():
    trainer, sink = start(Race.of(["batch", "kalman", "kalman:gain=learned"], **SMALL))
    advance(trainer, 3)
    trainer.change("lr", 0.5)
    trainer.change("micro_batch", "8")
    trainer.change("gain", 0.7)
    advance(trainer, 1)
    assert sink.events == [
        (3, "lr", {"value": 0.5}),
        (3, "micro_batch", {"value": 8}),
        (3, "gain", {"value": 0.7}),
    ]
    rates = sink.runs[0].scalars()["lr"].dropna().tolist()
    assert rates[3] > 5 * rates[2]
    batch, fixed, learned = (list(e.norms.values())[1] for e in trainer.entrants)
    assert batch.micro_batch == fixed.micro_batch == learned.micro_batch == 8
    assert fixed.gain == 0.7
    assert learned.gain != 0.7


def test_a_change_of_micro_batch_changes_the_losses():
    race = Race.of(["batch"], **SMALL)
    (changed, sink), (steady, steady_sink) = start(race), start(race)
    advance(changed, 2)
    advance(steady, 2)
    changed.change("micro_batch", 32)
    advance(changed, 1)
    advance(steady, 1)
    ours, theirs = losses(sink.runs[0]), losses(steady_sink.runs[0])
    assert ours[:2] == theirs[:2]
    assert ours[2] != theirs[2]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lr", -1, "lr must be a number in"),
        ("micro_batch", 5, "micro_batch must divide batch=32, got 5"),
        ("gain", 2, "kalman option gain must be a number in"),
        ("gain", "learned", "gain can be changed to a number only"),
        ("colour", 1, "no entrant of this race has 'colour'"),
    ],
)
def test_wrong_changes_are_refused_and_change_nothing(name, value, message):
    trainer, sink = start(Race.of(["kalman"], **SMALL))
    advance(trainer, 1)
    before = trainer.state()["live"]
    with pytest.raises(ValueError, match=message):
        trainer.change(name, value)
    assert trainer.state()["live"] == before
    assert not sink.events


@pytest.mark.parametrize(
    "entrant",
    [
        "batch",
        "kalman:transition=sampled",
        "kalman:gain=learned",
        "kalman:gain=adaptive,transition=normalized",
        "kalman:transition=learned",
    ],
)
def test_a_continued_race_equals_the_uninterrupted_one(entrant):
    race = Race.of([entrant], **SMALL)
    whole, whole_sink = start(race)
    advance(whole, 3)
    whole.change("micro_batch", 4)
    advance(whole, 6)

    first, _ = start(race)
    advance(first, 3)
    first.change("micro_batch", 4)
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    second, second_sink = start(race)
    second.restore(torch.load(file, weights_only=True))
    advance(second, 6)

    assert second.step == whole.step == 9
    assert losses(second_sink.runs[0]) == losses(whole_sink.runs[0])[3:]
    for name, value in whole.entrants[0].model.state_dict().items():
        assert torch.equal(value, second.entrants[0].model.state_dict()[name]), name


def test_what_lies_between_two_rows_keeps_its_extremes():
    race = Race.of(["batch"], **SMALL)
    every, every_sink = start(race)
    advance(every, 9)
    seldom, seldom_sink = start(race, record_every=1e9)
    advance(seldom, 8)
    seldom.advance(record=True)
    single, rows = losses(every_sink.runs[0]), seldom_sink.runs[0].scalars()
    rows = rows.dropna(subset="loss")
    assert rows["step"].tolist() == [1, 9]
    assert rows["loss"].iloc[1] == pytest.approx(sum(single[1:]) / 8)
    assert rows["loss_min"].iloc[1] == min(single[1:])
    assert rows["loss_max"].iloc[1] == max(single[1:])


def test_a_stopped_race_keeps_what_it_has():
    trainer, sink = start(Race.of(["batch", "group"], **SMALL))
    advance(trainer, 4)
    trainer.stop()
    for run in sink.runs:
        assert run.status == "stopped"
        assert run.summary["steps"] == 4
        assert 0 <= run.summary["test_accuracy"] <= 1


def test_a_race_stopped_before_its_first_step_is_no_accident():
    trainer, sink = start(Race.of(["batch"], **SMALL))
    trainer.stop()
    assert sink.runs[0].status == "stopped"
    assert sink.runs[0].summary["steps"] == 0


def test_no_norm_at_a_high_learning_rate_fails_in_words():
    run = train(Experiment(method="none", lr=2.0, epochs=1, device="cpu"), probe="off")
    assert run.status == "diverged"
    assert re.fullmatch(r"the training loss was \S+ nats at step \d+", run.message)
    assert "test_accuracy" not in run.summary
    calm = train(Experiment(method="batch", lr=2.0, epochs=1, device="cpu"), probe="off")
    assert calm.status == "finished"
