"""None, group, layer and instance norm against torch."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from bkn.normalizers.classic import GroupNorm, InstanceNorm, LayerNorm, NoNorm

X = torch.randn(4, 6, 3, 5, generator=torch.Generator().manual_seed(0)).double()


def with_affine(norm, like):
    """Both with the same random affine part."""
    torch.manual_seed(0)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    like.load_state_dict(norm.state_dict())
    return norm.double(), like.double()


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_is_torch(groups):
    ours, torchs = with_affine(GroupNorm(6, groups=groups), nn.GroupNorm(groups, 6))
    assert_close(ours(X)[0], torchs(X))


def test_layer_norm_is_one_group_and_torch_on_vectors():
    ours, torchs = with_affine(LayerNorm(6), nn.GroupNorm(1, 6))
    assert_close(ours(X)[0], torchs(X))
    ours, torchs = with_affine(LayerNorm(6), nn.LayerNorm(6))
    assert_close(ours(X[:, :, 0, 0])[0], torchs(X[:, :, 0, 0]))


def test_instance_norm_is_torch():
    ours, torchs = with_affine(InstanceNorm(6), nn.InstanceNorm2d(6, affine=True))
    assert_close(ours(X)[0], torchs(X))


def test_instance_norm_leaves_nothing_to_a_global_pool():
    norm = InstanceNorm(6).double()
    nn.init.normal_(norm.bias)
    assert_close(norm(X)[0].mean((2, 3)), norm.bias.expand(4, 6))


def test_no_norm_is_scale_and_shift():
    norm = NoNorm(6).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    expected = X * norm.weight.view(6, 1, 1) + norm.bias.view(6, 1, 1)
    assert_close(norm(X)[0], expected)


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match="groups must divide channels=6, got 4"):
        GroupNorm(6, groups=4)
