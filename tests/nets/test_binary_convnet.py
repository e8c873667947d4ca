"""The binary convnet: one bit per weight and activation, and the gradients that train it."""

import copy
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from bkn import Experiment, convert, train
from bkn.nets.binary import BinaryConv2d, Sign, binary
from bkn.nets.binary_convnet import BinaryConvNet, BinaryLayer

X = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(3))


def test_sign_and_its_piecewise_quadratic_gradient():
    x = torch.tensor([-3.0, -1.0, -0.25, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    y = Sign()(x)
    assert y.tolist() == [-1, -1, -1, 1, 1, 1, 1]
    y.sum().backward()
    assert_close(x.grad, torch.tensor([0, 0, 1.5, 2, 1, 0, 0]))


def test_the_gradient_of_the_sign_is_that_of_the_quadratic_step():
    """Its integral runs from -1 to 1 as the sign does."""
    x = torch.linspace(-1.5, 1.5, 3001).double().requires_grad_()
    Sign()(x).sum().backward()
    assert_close(torch.trapezoid(x.grad, x.detach()), torch.tensor(2.0).double(), rtol=0, atol=1e-5)
    twin = x.detach().clone().requires_grad_()
    inner = torch.where(twin < 0, 2 * twin + twin.square(), 2 * twin - twin.square())
    torch.where(twin.abs() < 1, inner, twin.detach().sign()).sum().backward()
    assert_close(x.grad, twin.grad, rtol=0, atol=1e-12)


def test_binary_weights_have_one_scale_per_filter_and_a_clipped_gradient():
    torch.manual_seed(0)
    weight = torch.randn(4, 3, 3, 3, requires_grad=True)
    y = binary(weight)
    for filter_, real in zip(y, weight, strict=True):
        assert len(filter_.abs().unique()) == 1
        assert_close(filter_.abs().mean(), real.abs().mean())
    assert torch.equal(y.sign(), weight.sign())
    direction = torch.randn_like(y)
    (y * direction).sum().backward()
    twin = weight.detach().clone().requires_grad_()
    (twin.clamp(-1, 1) * direction).sum().backward()
    assert torch.equal(weight.grad, twin.grad)
    assert (weight.grad == 0).any()


def test_the_convolution_uses_the_binary_weights():
    torch.manual_seed(0)
    conv = BinaryConv2d(3, 4, 3, stride=2, padding=1, bias=False)
    x = torch.randn(2, 3, 7, 7).sign()
    assert_close(conv(x), F.conv2d(x, binary(conv.weight), None, 2, 1))
    scale = conv.weight.abs().mean((1, 2, 3)).view(4, 1, 1)
    counts = conv(x) / scale  # sums of signs are whole numbers
    assert_close(counts, counts.round(), rtol=0, atol=1e-4)


def test_a_layer_is_the_branch_plus_its_shortcut():
    torch.manual_seed(0)
    layer, x = BinaryLayer(4, 8), torch.randn(2, 4, 5, 4)
    branch = layer.norm(layer.conv(torch.where(x >= 0, 1.0, -1.0)))
    pooled = F.avg_pool2d(x, 2, ceil_mode=True)
    assert_close(layer(x), branch + torch.cat([pooled, pooled], 1))
    assert BinaryLayer(4, 4).shortcut(x) is x


def test_the_first_convolution_and_the_classifier_stay_real():
    net = BinaryConvNet(1, (8, 8), 10)
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert [type(conv) for conv in convs] == [nn.Conv2d] + [BinaryConv2d] * 5
    assert [conv.out_channels for conv in convs] == [16, 16, 32, 32, 64, 64]
    assert [conv.stride[0] for conv in convs] == [1, 1, 2, 1, 2, 1]
    assert type(net.classify) is nn.Linear


def test_surgery_does_not_look_into_the_layers():
    torch.manual_seed(0)
    net = BinaryConvNet(1, (8, 8), 10)
    model = convert(net, "batch")
    called = {str(node.target) for node in model.graph.nodes if node.op == "call_module"}
    assert {"layer1.sign", "layer1.conv"} <= called
    assert_close(model(X), net(X), atol=1e-5, rtol=1e-4)
    assert torch.equal(copy.deepcopy(model)(X), model(X))


def test_moments_do_not_pretend_to_know_binary_layers():
    with pytest.warns(UserWarning, match="no moment rule for Sign") as caught:
        convert(BinaryConvNet(1, (8, 8), 10), "kalman", micro_batch=2)
    assert len(caught) == 1


class OnlyWeightsAreBinary(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.norm0, self.conv, self.norm1 = nn.BatchNorm2d(2), kind(2, 2, 3), nn.BatchNorm2d(2)

    def forward(self, x):
        return self.norm1(self.conv(self.norm0(x)))


def test_a_binary_convolution_is_not_taken_for_a_plain_one():
    """Its effective weights are not the ones that the rule of a convolution would use."""
    with pytest.warns(UserWarning, match="no moment rule for BinaryConv2d"):
        convert(OnlyWeightsAreBinary(BinaryConv2d), "kalman", micro_batch=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert(OnlyWeightsAreBinary(nn.Conv2d), "kalman", micro_batch=2)


def test_it_learns():
    run = train(
        Experiment(network="binary_convnet", method="batch", batch=64, micro_batch=64, epochs=2),
        probe="off",
    )
    assert run.summary["test_accuracy"] > 0.5
