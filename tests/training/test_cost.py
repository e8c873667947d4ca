"""What a step costs: the sides take turns, and the medians are of full training steps."""

from itertools import count

import torch

from bkn.experiment import Experiment
from bkn.training import cost


def test_sides_take_turns_and_each_is_timed_alone():
    taken, ticks = [], count()
    sides = {"a": lambda: taken.append("a"), "b": lambda: taken.append("b")}
    times = cost.take_turns(sides, 3, clock=lambda: next(ticks))
    assert taken == ["a", "b"] * 3
    assert times == {"a": [1, 1, 1], "b": [1, 1, 1]}


def test_time_that_is_up_ends_it_after_the_least_rounds():
    times = cost.take_turns({"a": lambda: None}, 100, seconds=-1, at_least=4)
    assert len(times["a"]) == 4


def test_the_plain_side_trains_the_network_with_torch_s_batch_norm():
    of = Experiment(method="batch", epochs=1)
    images = of.dataset_card.load()(torch.device("cpu"))
    x, y = images.train(torch.arange(64))
    step = cost.plain_step(of, images, x, y)
    model = step.args[0]
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    before = [p.detach().clone() for p in model.parameters()]
    step()
    assert len(norms) == 6
    assert all(norm.num_batches_tracked == 1 for norm in norms)
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_measurement_has_both_medians_and_their_ratio():
    timed = cost.measure(Experiment(method="group", epochs=1, device="cpu"), seconds=0.0)
    assert timed.step_ms > 0
    assert timed.baseline_ms > 0
    assert timed.ratio == timed.step_ms / timed.baseline_ms
    assert timed.rounds >= cost.ROUNDS[0]
