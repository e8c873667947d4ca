"""The learned transition: the paper's text, a linear map and a noise for every layer on the way."""

import copy

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.functional import softplus
from torch.testing import assert_close

import bkn
from bkn.moments.carried import Moments
from bkn.moments.learned import LearnedMap, Unchanged, learned_rule
from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Relu
from bkn.moments.pooling import AvgPool
from bkn.normalizers.group_kalman import GroupKalmanNorm
from bkn.normalizers.kalman import KalmanNorm

MEAN, VAR = torch.randn(3, 4), torch.rand(3, 4)


def chain():
    """Conv, norm, relu, conv, norm; 3 to 4 to 6 channels."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6),
    )  # fmt: skip


@pytest.mark.parametrize("groups", [1, 2])
def test_the_map_by_hand(groups):
    weight = torch.randn(6, 4 // groups, 3, 3)
    rule = LearnedMap(Conv((1, 1), (1, 1), (1, 1), groups), weight, groups)
    bias = torch.randn(6)
    found = rule(Moments(MEAN, VAR), torch.zeros(3, 4, 5, 5), weight, bias).belief()
    taps = weight.sum((2, 3))
    matrix = torch.block_diag(*taps.chunk(groups)) if groups > 1 else taps
    assert_close(found.mean, MEAN @ matrix.T + bias)
    # diag(A V A^T) + R for a diagonal V
    covariance = torch.stack([(matrix @ v.diag() @ matrix.T).diagonal() for v in VAR])
    assert_close(found.var, covariance + 0.01)


def test_the_noise_stays_positive():
    rule = LearnedMap(Linear(), torch.zeros(5, 4))
    nn.init.constant_(rule.noise, -20.0)
    assert (rule.moments(Moments(MEAN, VAR * 0).belief(), MEAN, None, None).var > 0).all()


def test_what_is_replaced():
    weight = torch.randn(6, 4, 3, 3)
    assert isinstance(learned_rule(Conv((1,) * 2, (1,) * 2, (1,) * 2), weight), LearnedMap)
    assert isinstance(learned_rule(Linear(), torch.randn(5, 4)), LearnedMap)
    assert isinstance(learned_rule(Relu(), None), Unchanged)
    for rule in (AvgPool((2, 2), (2, 2), (0, 0)), Linear()):
        assert learned_rule(rule, None) is rule  # nothing to begin with


def test_a_chain_predicts_by_its_map():
    model = bkn.convert(chain(), "kalman", micro_batch=2, gain=0.0, transition="learned").double()
    (rule,) = [module for module in model.modules() if isinstance(module, LearnedMap)]
    x = torch.randn(4, 3, 5, 5).double()
    _, posterior = model.get_submodule("1")(model.get_submodule("0")(x))
    expected = posterior.mean @ rule.map.T + model.get_submodule("3").bias
    priors = []
    model.get_submodule("4").register_forward_pre_hook(lambda _, args: priors.append(args[1]))
    model(x)
    assert_close(priors[0].mean, expected)
    assert_close(priors[0].var, posterior.var @ rule.map.square().T + softplus(rule.noise))


def test_map_and_noise_learn_and_survive_a_checkpoint():
    model = bkn.convert(chain(), "kalman", micro_batch=2, gain=0.1, transition="learned")
    model(torch.randn(8, 3, 5, 5)).relu().sum().backward()
    (rule,) = [module for module in model.modules() if isinstance(module, LearnedMap)]
    assert rule.map.grad.abs().max() > 0
    assert rule.noise.grad.abs().max() > 0
    nn.init.normal_(rule.map)
    twin = bkn.convert(chain(), "kalman", micro_batch=2, gain=0.1, transition="learned")
    twin.load_state_dict(copy.deepcopy(model.state_dict()))
    x = torch.randn(8, 3, 5, 5)
    assert torch.equal(model(x), twin(x))
    assert torch.equal(copy.deepcopy(model)(x), twin(x))


def test_full_gain_is_the_original_through_shortcuts():
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=5)
    converted = bkn.convert(model, "kalman", gain=1.0, transition="learned")
    maps = [module for module in converted.modules() if isinstance(module, LearnedMap)]
    assert len(maps) == 19  # every convolution but the first
    x = torch.randn(4, 3, 32, 32)
    assert_close(converted.train()(x), model.train()(x), rtol=1e-3, atol=1e-3)
    loss = bkn.convert(model, "kalman", micro_batch=2, transition="learned")(x).square().sum()
    loss.backward()
    assert loss.isfinite()


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"'normalized' or 'learned', got 'guessed'"):
        KalmanNorm(4, transition="guessed")
    with pytest.raises(ValueError, match="learned one is that of channels"):
        GroupKalmanNorm(8, transition="learned")
    with pytest.raises(ValueError, match="averages over steps"):
        GroupKalmanNorm(8, gain="adaptive")
