"""The shared recipe: order, learning rate, weight decay, threads and random streams."""

import re

import pytest
import torch

from bkn import Experiment
from bkn.training.device import RandomStream, cpu_threads, resolve, training_threads
from bkn.training.recipe import Order, make_optimizer, one_cycle

CPU = torch.device("cpu")


def test_one_cycle_rises_to_the_peak_and_falls_to_almost_nothing():
    rates = [one_cycle(step, 100, 0.5) for step in range(100)]
    assert rates[0] == pytest.approx(0.5 / 25)
    assert max(rates) == rates[30] == pytest.approx(0.5)
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[-1] == pytest.approx(0.5e-4)


def test_one_cycle_of_a_single_step_is_finite():
    assert 0 < one_cycle(0, 1, 0.5) <= 0.5


def test_an_epoch_shows_every_image_once_and_the_next_in_another_order():
    order = Order(Experiment(batch=50), train_size=200)
    first = torch.cat([order.batch_of(step) for step in range(4)])
    second = torch.cat([order.batch_of(step) for step in range(4, 8)])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(200))
    assert first.tolist() != second.tolist()


def test_order_is_a_function_of_seed_and_step_alone():
    visited = Order(Experiment(seed=3), train_size=1350)
    for step in (0, 30, 5):
        fresh = Order(Experiment(seed=3), train_size=1350)
        assert torch.equal(visited.batch_of(step), fresh.batch_of(step))
    other = Order(Experiment(seed=4), train_size=1350)
    assert not torch.equal(visited.batch_of(0), other.batch_of(0))


def test_weight_decay_spares_scales_shifts_and_gains():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    decayed, spared = make_optimizer(model, Experiment(weight_decay=0.1)).param_groups
    assert [p.ndim for p in decayed["params"]] == [2]
    assert decayed["weight_decay"] == 0.1
    assert spared["weight_decay"] == 0
    assert len(spared["params"]) == 3


def test_random_streams_do_not_hear_of_each_other():
    a, b, alone = RandomStream(1, CPU), RandomStream(2, CPU), RandomStream(1, CPU)
    torch.manual_seed(9)
    outside = torch.get_rng_state()
    with a:
        drawn = [torch.rand(1)]
    with b:
        torch.rand(100)
    with a:
        drawn.append(torch.rand(1))
    with alone:
        assert drawn == [torch.rand(1), torch.rand(1)]
    assert torch.equal(torch.get_rng_state(), outside)


def test_unknown_device_is_refused_in_words():
    with pytest.raises(
        ValueError, match="device 'cuda:99' is not on this machine; here: auto, cpu"
    ):
        resolve("cuda:99")
    assert resolve("cpu") == CPU


@pytest.mark.parametrize("name", ["cuda:\u0663", "cuda:" + "9" * 30, "cuda:-1", "abacus", ""])
def test_what_names_no_device_at_all_is_refused_in_the_same_words(name):
    with pytest.raises(ValueError, match=re.escape(f"device {name!r} is not on this machine; ")):
        resolve(name)


def test_training_threads_are_put_back():
    before = torch.get_num_threads()
    with training_threads():
        assert torch.get_num_threads() == cpu_threads()
    assert torch.get_num_threads() == before
