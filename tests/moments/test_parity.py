"""With gain 1 a converted model is the original: outputs, gradients, running averages."""

import copy

import pytest
import torch
from torch.testing import assert_close

from bkn.nets.convnet import ConvNet
from bkn.nets.mlp import MLP
from bkn.nets.resnet import ResNet
from bkn.surgery.convert import convert

TRANSITIONS = ["moments", "sampled", "normalized"]
B = 4


def resnet18():
    from torchvision.models import resnet18  # slow to import

    return resnet18(weights=None, num_classes=5)


NETS = {
    "convnet": (lambda: ConvNet(2, (8, 9), 5), (2, 8, 9)),
    "resnet": (lambda: ResNet(2, (9, 8), 5, n=2, width=6), (2, 9, 8)),
    "mlp": (lambda: MLP(2, (4, 4), 5, width=16), (2, 4, 4)),
    "resnet18": (resnet18, (3, 64, 64)),
}


def step(model, x):
    x = x.clone().requires_grad_()
    y = model(x)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    (y * weights).sum().backward()
    return y, x.grad


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(
    ("method", "options"),
    [("batch", {}), *(("kalman", {"gain": 1.0, "transition": name}) for name in TRANSITIONS)],
    ids=["batch", *TRANSITIONS],
)
def test_full_gain_is_the_original(net, method, options):
    make, shape = NETS[net]
    torch.manual_seed(0)
    model = make().double()
    for module in model.modules():  # affine parts and averages that are not the initial ones
        if hasattr(module, "running_mean"):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            torch.nn.init.normal_(module.running_mean)
    x = torch.randn(B, *shape).double()
    before = copy.deepcopy(model.state_dict())
    converted = convert(model, method, micro_batch=B, **options)
    exact = {"atol": 1e-9, "rtol": 1e-9}
    for _ in range(2):
        assert_close(step(converted, x), step(model, x), **exact)
    assert list(converted.state_dict()) == list(model.state_dict())
    assert_close(converted.state_dict(), model.state_dict(), **exact)
    gradients = {name: p.grad for name, p in model.named_parameters()}
    assert_close({name: p.grad for name, p in converted.named_parameters()}, gradients, **exact)
    assert_close(converted.eval()(x), model.eval()(x), **exact)
    fresh = convert(make().double(), method, micro_batch=B, **options)
    fresh.load_state_dict(before)
    assert_close(step(fresh, x)[0], step(converted.train(), x)[0], **exact)
