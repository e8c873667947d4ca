"""A method put into networks: where it stands, that it trains, and that all of it travels."""

import copy

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.normalizers.hooks import Hooks
from bkn.surgery.convert import convert, norm_layers

NETS = {
    "convnet": (lambda: ConvNet(1, (8, 8), 10), (4, 1, 8, 8)),
    "resnet": (lambda: ResNet(1, (8, 8), 10), (4, 1, 8, 8)),
    "torchvision": (lambda: torchvision.models.resnet18(num_classes=10), (4, 3, 64, 64)),
}
in_networks = pytest.mark.parametrize("net", NETS)


def step(model: nn.Module, x: torch.Tensor) -> None:
    """One step of a training loop."""
    hooks = Hooks(model)
    hooks.plan(4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    optimizer.zero_grad()
    hooks.before_forward()
    loss = F.cross_entropy(model(x), torch.arange(len(x)))
    loss.backward()
    hooks.before_step()
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    optimizer.step()
    hooks.after_step(lambda: model(x))


def assert_takes_the_place_of_batch_norm(net: str, method: str, kind: type, **options) -> nn.Module:
    """Every BatchNorm layer gave its place; a step is taken; copy and checkpoint go on alike.

    Returns:
        The converted model, two steps old.
    """
    torch.manual_seed(0)
    build, shape = NETS[net]
    original, x = build(), torch.randn(shape)
    model = convert(original, method, micro_batch=2, **options)
    old = [name for name, m in original.named_modules() if isinstance(m, nn.BatchNorm2d)]
    new = [name for name, m in model.named_modules() if isinstance(m, kind)]
    assert new == old
    assert len(norm_layers(model)) == len(old)
    step(model, x)
    twin, other = copy.deepcopy(model), convert(build(), method, micro_batch=2, **options)
    other.load_state_dict(model.state_dict())
    for one in (model, twin, other):
        step(one, x)
    for one in (twin, other):
        assert list(one.state_dict()) == list(model.state_dict())
        assert all(torch.equal(one.state_dict()[k], v) for k, v in model.state_dict().items())
        assert torch.equal(one.eval()(x), model.eval()(x))
    return model.train()
