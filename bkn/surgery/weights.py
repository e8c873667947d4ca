"""Rewriting weights: a function of a layer's weight takes the weight's place, at every use.

torch's own parametrizations do the work: the optimizer keeps the raw weight, the layer sees the
function of it.
"""

from torch import fx, nn
from torch.nn.utils import parametrize

from bkn.surgery.network import Network


def rewrite(network: Network, node: fx.Node, function: nn.Module) -> nn.Module:
    """Let the weight layer of a node use function(weight) for its weight.

    Args:
        network: under surgery.
        node: calls the weight layer.
        function: a module, weight -> weight of the same shape; may have parameters and hooks.

    Returns:
        The layer.
    """
    layer = network.module(node)
    if layer is None:
        raise ValueError(f"{node} calls no layer with a weight")
    parametrize.register_parametrization(layer, "weight", function, unsafe=True)
    return layer


def raw_weight(layer: nn.Module) -> nn.Parameter:
    """What the optimizer trains: the weight itself, or what stands behind the rewritten one."""
    if parametrize.is_parametrized(layer, "weight"):
        original = layer.parametrizations.weight.original  # type: ignore[union-attr]  # made by torch
        assert isinstance(original, nn.Parameter)
        return original
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    return weight


def without_bias(layer: nn.Module) -> None:
    """Take the bias away."""
    layer.register_parameter("bias", None)


def with_bias(layer: nn.Module) -> None:
    """Add a bias of zeros where there is none."""
    if layer.bias is None:
        weight = raw_weight(layer)
        layer.register_parameter("bias", nn.Parameter(weight.new_zeros(weight.shape[0])))
