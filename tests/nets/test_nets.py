"""The networks: shapes, sizes, names, initial weights."""

import pytest
import torch
from torch import nn

import bkn
from bkn.catalog.networks import OWN

SIZES = [(8, 8), (32, 32), (7, 9), (1, 1), (5, 1)]


def build(key, channels=1, size=(8, 8), **options):
    card = bkn.networks()[key]
    return card.load()(channels, size, 10, **card.complete(options))


@pytest.mark.parametrize("key", OWN)
@pytest.mark.parametrize("size", SIZES)
def test_any_size_gives_logits_and_gradients(key, size):
    torch.manual_seed(0)
    net = build(key, 3, size)
    y = net(torch.randn(4, 3, *size))
    assert y.shape == (4, 10)
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("key", OWN)
def test_initial_weights_follow_the_seed(key):
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(torch.cat([p.flatten() for p in build(key).parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize("key", OWN)
def test_activations_keep_their_scale(key):
    torch.manual_seed(0)
    net = build(key, 3, (16, 16)).eval()  # untouched running averages: no normalization
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    spread = []
    for norm in norms:
        norm.register_forward_pre_hook(lambda m, args: spread.append(float(args[0].detach().std())))
    net(torch.randn(16, 3, 16, 16))
    assert min(spread) > 0.1
    assert max(spread) < 10


@pytest.mark.parametrize("key", OWN)
def test_smallest_and_large_options_work(key):
    card = bkn.networks()[key]
    small = build(key, **{param.name: param.low for param in card.params})
    assert small(torch.randn(2, 1, 8, 8)).shape == (2, 10)


def test_convnet_is_the_default_of_the_lab():
    net = build("convnet")
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert [conv.out_channels for conv in convs] == [16, 16, 32, 32, 64, 64]
    assert [conv.stride[0] for conv in convs] == [1, 1, 2, 1, 2, 1]
    assert all(conv.bias is None for conv in convs)


@pytest.mark.parametrize("n", [1, 3])
def test_resnet_has_its_layers(n):
    net = build("resnet", n=n)
    weighted = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weighted) == 6 * n + 2
    assert net.block1.norm0 is None
    assert len([m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]) == 6 * n + 1


def test_resnet_shortcut_pools_and_pads_on_both_sides():
    net = build("resnet", width=4)
    x = torch.ones(1, 4, 5, 4)
    shortcut = net.block2.shortcut(x)
    assert shortcut.shape == (1, 8, 3, 2)
    assert shortcut.mean((0, 2, 3)).tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert net.block1.shortcut(x) is x


def test_resnet_block_is_the_branch_plus_the_shortcut():
    torch.manual_seed(0)
    block = build("resnet", width=4).block2
    x = torch.randn(2, 4, 6, 6)
    branch = block.conv0(torch.relu(block.norm0(x)))
    branch = block.conv1(torch.relu(block.norm1(branch)))
    torch.testing.assert_close(block(x), branch + block.shortcut(x))


@pytest.mark.parametrize("key", OWN)
def test_an_empty_size_is_refused(key):
    with pytest.raises(ValueError, match="height must be at least 1, got 0"):
        build(key, size=(0, 8))
