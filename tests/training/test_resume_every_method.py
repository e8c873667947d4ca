"""Every method in a race: saved and resumed, in company, watched or not: the same bits."""

import io
import math
from dataclasses import replace
from functools import cache

import pytest
import torch

from bkn import Race
from bkn.catalog import METHODS
from bkn.engine.checkpoint import pack
from bkn.experiment import MAX_ENTRANTS
from bkn.probe.budget import Budget
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink

EVERY = list(METHODS)
COMMON = {
    "network_options": {"depth": 3, "width": 8},
    "epochs": 1,
    "batch": 64,
    "micro_batch": 4,
    "device": "cpu",
}
STEPS = 21  # in one epoch of digits
every_method = pytest.mark.parametrize("key", METHODS)


class Often(Budget):
    """A probe whenever there are four of these: not at the same steps in every race."""

    def __init__(self, first):
        super().__init__()
        self.asked = first

    def allows(self, kind="light"):
        self.asked += 1
        return self.asked % 4 == 0


def start(race, first=0):
    sink = MemorySink(race)
    return RaceTrainer(race, sink, record_every=0.0, budget=Often(first)), sink


def race_of(*keys, probe="light"):
    return Race.of(keys, probe, **COMMON)


def losses(run):
    return run.scalars()["loss"].dropna().tolist()


def states(trainer):
    """What each run has learned and stored, and where its random stream is."""
    return [
        {**run["model"], **{f"random {i}": state for i, state in enumerate(run["random"])}}
        for run in trainer.state()["runs"]
    ]


def assert_same_state(ours, theirs):
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


@cache
def uninterrupted(key):
    """A race of one method to its end: losses, final state, and a checkpoint after every step."""
    trainer, sink = start(race_of(key))
    checkpoints = [pack(trainer.state())]
    while not trainer.finished:
        trainer.advance()
        checkpoints.append(pack(trainer.state()))
    assert trainer.step == STEPS, sink.runs[0].message
    return losses(sink.runs[0]), states(trainer)[0], checkpoints


def stops(key):
    """Steps to be resumed after: early, late, around every step that a schedule waits for."""
    card = METHODS[key]
    shares = [float(param.default) for param in card.params if param.of_steps]
    near = {math.ceil(share * STEPS) + shift for share in shares for shift in (-1, 1)}
    return sorted({2, 10, 18} | {stop for stop in near if 0 < stop < STEPS})


@every_method
def test_a_resumed_race_equals_the_uninterrupted_one(key):
    expected, final, checkpoints = uninterrupted(key)
    for stop in stops(key):
        trainer, sink = start(race_of(key), first=1)
        trainer.restore(torch.load(io.BytesIO(checkpoints[stop]), weights_only=True))
        assert trainer.step == stop
        while not trainer.finished:
            trainer.advance()
        assert losses(sink.runs[0]) == expected[stop:], f"after step {stop}"
        assert_same_state(states(trainer)[0], final)


@every_method
def test_a_resumed_race_is_resumed_again(key):
    """A checkpoint right after a resumption holds what the first one held."""
    _, _, checkpoints = uninterrupted(key)
    first = torch.load(io.BytesIO(checkpoints[5]), weights_only=True)
    trainer, _ = start(race_of(key))
    trainer.restore(torch.load(io.BytesIO(checkpoints[5]), weights_only=True))
    again = torch.load(io.BytesIO(pack(trainer.state())), weights_only=True)
    assert_same_state(again["runs"][0]["model"], first["runs"][0]["model"])


@pytest.mark.parametrize(
    "keys", [EVERY[i : i + MAX_ENTRANTS] for i in range(0, len(EVERY), MAX_ENTRANTS)], ids=" ".join
)
def test_company_changes_nothing(keys):
    trainer, sink = start(race_of(*keys), first=2)
    while not trainer.finished:
        trainer.advance()
    for key, run, state in zip(keys, sink.runs, states(trainer), strict=True):
        expected, final, _ = uninterrupted(key)
        assert losses(run) == expected, key
        assert_same_state(state, final)


@pytest.mark.parametrize("key", [key for key, card in METHODS.items() if card.estimates])
def test_probing_changes_nothing(key):
    watched = race_of(key)
    trainer, sink = start(replace(watched, probe="off"))
    while not trainer.finished:
        trainer.advance()
    expected, final, _ = uninterrupted(key)
    assert sink.runs[0].layers().empty
    assert losses(sink.runs[0]) == expected
    assert_same_state(states(trainer)[0], final)


@every_method
def test_probes_are_there_if_there_is_something_to_probe(key):
    trainer, sink = start(race_of(key), first=3)
    trainer.advance()
    layers = sink.runs[0].layers()
    assert len(layers) == (len(trainer.entrants[0].norms) if METHODS[key].estimates else 0)
    if len(layers):
        assert layers["mean_error_observation"].notna().all()
        assert layers["var_error_posterior"].notna().all()
        assert layers["gain"].between(0, 1).all()


@every_method
def test_a_change_of_the_micro_batch_on_the_way(key):
    """Windows of another size are taken along; the races go on, alike when resumed."""

    def race(stop):
        trainer, sink = start(race_of(key))
        for step in range(8):
            if step == 3:
                trainer.change("micro_batch", 16)
            if step == stop:
                packed = pack(trainer.state())
                trainer, sink = start(race_of(key))
                trainer.restore(torch.load(io.BytesIO(packed), weights_only=True))
            trainer.advance()
        return losses(sink.runs[0]), states(trainer)[0]

    (expected, final), (resumed, state) = race(None), race(5)
    assert all(map(math.isfinite, expected))
    assert resumed == expected[5:]
    assert_same_state(state, final)
