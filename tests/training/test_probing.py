"""When entrants are probed, how thoroughly, what is told, and that it changes nothing."""

import io
import json
from dataclasses import replace

import pytest
import torch

from bkn import Race
from bkn.probe.budget import FULL, LIGHT, Budget
from bkn.probe.thinning import Thinning
from bkn.snapshot import Layout
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink, train_race

SMALL = {"network_options": {"depth": 2, "width": 4}, "epochs": 1, "device": "cpu", "batch": 32}


class Costs(Budget):
    """A budget whose clock does not run: a step and a round of each kind take what they are told.

    Args:
        step, light, full: seconds.
    """

    def __init__(self, step: float, light: float, full: float):
        self.costs, self.now = {LIGHT: light, FULL: full}, 0.0
        self.rounds: list[str] = []
        super().__init__(clock=lambda: self.now)
        self.step = step

    def tick(self):
        self.now += self.step
        super().tick()

    def open_round(self, kind=LIGHT):
        super().open_round(kind)
        self.rounds.append(kind)
        self._spent[kind] = self._spent.get(kind, 0.0) + self.costs[kind]


def started(probe="full", entrants=("batch", "kalman", "group"), budget=None, **common):
    race = Race.of(entrants, probe=probe, **SMALL | common)
    sink = MemorySink(race)
    return RaceTrainer(race, sink, record_every=0.0, budget=budget), sink


def finished(trainer):
    while not trainer.finished:
        trainer.advance()
    trainer.finish()


def test_the_tiers_differ_in_what_is_seen_and_in_nothing_else():
    race = Race.of(["batch", "kalman:transition=sampled", "group"], **SMALL)
    by_tier = {tier: train_race(replace(race, probe=tier)) for tier in ("off", "light", "full")}
    for off, light, full in zip(*by_tier.values(), strict=True):
        for other in (light, full):
            assert other.scalars()["loss"].dropna().tolist() == off.scalars()["loss"].tolist()
            assert other.summary["test_loss"] == off.summary["test_loss"]
        assert not off.documents
        assert set(light.documents) == {"network"}
        assert set(full.documents) == {"network", "layout"}
        assert not light.snapshots()
        steps = list(full.snapshots())
        assert len(steps) >= 2
        assert steps[-1] == off.summary["steps"]


def test_first_and_last_rounds_are_full_and_the_rest_shares():
    budget = Costs(step=1.0, light=0.2, full=1.0)
    trainer, sink = started(budget=budget, epochs=8)
    finished(trainer)
    assert budget.rounds[0] == FULL
    assert budget.rounds.count(LIGHT) > budget.rounds.count(FULL) > 2
    assert budget.cost(FULL) * budget.rounds.count(FULL) <= 0.05 * trainer.steps + 1.0
    assert budget.used <= 0.1
    for run in sink.runs:
        kept = list(run.snapshots())
        assert kept[-1] == trainer.steps
        assert len(kept) == budget.rounds.count(FULL) + 1


def test_cheap_full_rounds_replace_the_light_ones():
    budget = Costs(step=1.0, light=0.2, full=0.25)
    trainer, _ = started(budget=budget, epochs=4)
    finished(trainer)
    assert budget.rounds.count(LIGHT) == 1  # to know what it costs
    assert budget.rounds.count(FULL) > 3


def test_methods_without_estimates_are_looked_at_without_light_rounds():
    budget = Costs(step=1.0, light=0.2, full=0.5)
    trainer, sink = started(entrants=("group",), budget=budget, epochs=2)
    finished(trainer)
    assert set(budget.rounds) == {FULL}
    assert sink.runs[0].layers()["input_std"].notna().all()


def test_rows_and_snapshot_of_a_full_round_agree():
    trainer, sink = started()
    finished(trainer)
    run = sink.runs[1]
    rows = run.layers().set_index(["step", "layer"])
    for step, layers in run.snapshots().items():
        for label, arrays in layers.items():
            wanted = rows.loc[(step, label), "mean_error_posterior"]
            assert arrays["mean_error"][2].mean() == pytest.approx(wanted, rel=1e-4)
            assert rows.loc[(step, label), "update_ratio"] > 0
    assert run.scalars()["loss_stored"].notna().sum() == len(run.snapshots())


def test_a_changed_micro_batch_leaves_the_form_of_snapshots():
    trainer, sink = started(budget=Costs(step=10.0, light=0.2, full=0.2))
    for micro_batch in (2, 8, 32, 1):
        trainer.change("micro_batch", micro_batch)
        for _ in range(4):
            trainer.advance()
    layout = Layout.from_json(sink.runs[1].documents["layout"])
    assert {layer.groups for layer in layout.layers} == {256}
    assert len(sink.runs[1].snapshots()) >= 4


def test_a_continued_race_goes_on_with_the_same_snapshots():
    budgets = [Costs(step=10.0, light=0.2, full=0.2) for _ in range(2)]
    (first, first_sink), (second, second_sink) = (started(budget=b) for b in budgets)
    for trainer in (first, second):
        for run, thinning in trainer._probing._thinning.items():
            trainer._probing._thinning[run] = Thinning(3)
            assert not thinning.steps
    for _ in range(16):
        first.advance()
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    second.restore(torch.load(file, weights_only=True))
    for run, data in zip(second_sink.runs, first_sink.runs, strict=True):
        run._snapshots.update(data._snapshots)
    for _ in range(16):
        first.advance()
        second.advance()
    for ours, theirs in zip(second_sink.runs, first_sink.runs, strict=True):
        assert len(theirs.snapshots()) <= 3
        assert next(iter(ours.snapshots())) == next(iter(theirs.snapshots()))
        assert len(ours.snapshots()) <= 3


@pytest.mark.parametrize("probe", ["light", "full"])
def test_every_entrant_says_how_its_network_looks(probe):
    _, sink = started(probe)
    for run in sink.runs:
        network = json.loads(run.documents["network"])
        assert [n["label"] for n in network["nodes"] if n["kind"] == "norm"] == ["layer1", "layer2"]
