"""build_norm refuses in words what it cannot build."""

from inspect import signature

import numpy as np
import pytest
import torch

import bkn


def test_options_are_validated_by_the_card():
    with pytest.raises(ValueError, match="unknown method 'kalmann'"):
        bkn.build_norm("kalmann", 4)
    with pytest.raises(ValueError, match="kalman has no option 'gian'"):
        bkn.build_norm("kalman", 4, gian=0.1)
    with pytest.raises(ValueError, match=r"gain must be a number in \[0, 1\].*1.4"):
        bkn.build_norm("kalman", 4, gain=1.4)


@pytest.mark.parametrize(
    ("name", "value"),
    [("channels", 0), ("micro_batch", 0), ("channels", 2.5), ("channels", True)],
)
def test_numbers_are_validated(name, value):
    given = {"channels": 4, "micro_batch": 2, name: value}
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1"):
        bkn.build_norm("batch", **given)


def test_whole_numbers_of_numpy_are_whole_numbers():
    norm = bkn.build_norm("batch", np.int64(4), micro_batch=np.int32(2))
    assert norm(torch.randn(4, 4))[0].shape == (4, 4)


@pytest.mark.parametrize("key", ["kalman", "group_kalman"])
def test_a_prior_of_another_kind_is_refused(key):
    with pytest.raises(TypeError, match=r"prior must be a bkn\.Belief or None, got tuple"):
        bkn.build_norm(key, 4, micro_batch=2)(torch.randn(4, 4, 3, 3), (0, 1))


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="micro_batch must divide the batch of 0, got 2"):
        bkn.build_norm("batch_group", 4, micro_batch=2)(torch.randn(0, 4, 3, 3))


@pytest.mark.parametrize("key", bkn.methods())
def test_defaults_are_those_of_the_card(key):
    card = bkn.methods()[key]
    taken = signature(card.load()).parameters
    assert {param.name: taken[param.name].default for param in card.params} == card.complete({})
    assert bkn.build_norm(key, 8, micro_batch=2).micro_batch == 2


@pytest.mark.parametrize("key", bkn.methods())
def test_live_options_can_be_set(key):
    norm = bkn.build_norm(key, 8)
    for param in bkn.methods()[key].params:
        if param.live:
            setattr(norm, param.name, param.high)
            assert getattr(norm, param.name) == param.high


def test_channels_must_be_given():
    with pytest.raises(ValueError, match="channels must be a whole number of at least 1, got None"):
        bkn.build_norm("batch", None)
