"""Hooks of a converted model that stands inside another one."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from bkn.nets.convnet import ConvNet
from bkn.normalizers.hooks import Hooks
from bkn.surgery.convert import convert


class Around(nn.Module):
    """What somebody puts around converted models."""

    def __init__(self, *models):
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, x):
        return sum(model(x) for model in self.models)


@pytest.mark.parametrize("method", ["norm_free", "weight_rescaling", "preconditioned"])
def test_hooks_find_the_converted_model_inside_another(method):
    model = convert(ConvNet(1, (8, 8), 10, depth=2, width=8), method, micro_batch=2)
    alone, around = copy.deepcopy(model), Around(model)
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for subject, hooks in ((alone, Hooks(alone)), (around, Hooks(around))):
        hooks.before_forward()
        subject(x).square().sum().backward()
        hooks.before_step()
        hooks.after_step(lambda: None)
        assert isinstance(hooks.undecayed(), set)
    assert_close(model.state_dict(), alone.state_dict())
    grads = [[p.grad for p in one.parameters()] for one in (model, alone)]
    assert_close(grads[0], grads[1])


def test_two_converted_models_need_hooks_each():
    one = convert(ConvNet(1, (8, 8), 10, depth=2, width=8), "norm_free")
    with pytest.raises(ValueError, match="must hold one converted model, got 2"):
        Hooks(Around(one, copy.deepcopy(one)))
