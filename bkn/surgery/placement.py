"""Where normalizers go: in place of batch norm, with its activation, or before weight layers.

A placement is a function of the network under surgery and the method; a card names it. Methods
that change more than that have a placement of their own, made of these.
"""

from typing import Any

from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.normalizers.base import Normalizer
from bkn.surgery.method import Method
from bkn.surgery.network import Network


def in_place(network: Network, method: Method) -> list[fx.Node]:
    """Every BatchNorm layer gives its place to a normalizer.

    Returns:
        The nodes that call the normalizers, in order of execution.
    """
    nodes = network.batch_norms()
    for node in nodes:
        old = network.module(node)
        if isinstance(old, _BatchNorm):  # else it was one layer under two names
            paths, norm = network.paths(old), method.norm_like(old)
            for path in paths:
                network.put(path, norm)
    for node in nodes:
        network.normalize_at(node)
    return nodes


def with_activation(network: Network, method: Method) -> list[fx.Node]:
    """Every BatchNorm layer gives its place, and that of the activation behind it.

    The normalizer hears which activation it replaces by `take_activation(module)`, or None where
    there is none: at the end of a residual branch, say. A layer that is called twice must be
    followed by the same kind of activation each time.

    Returns:
        The nodes that call the normalizers, in order of execution.

    Raises:
        ValueError: for a layer that is called twice, with and without an activation behind it.
    """
    nodes = in_place(network, method)
    taken: dict[nn.Module, type | None] = {}
    for node in nodes:
        norm = network.module(node)
        (y,) = node.users
        behind = network.activation_behind(y)
        activation = None if behind is None else network.activation(behind)
        if not isinstance(norm, Normalizer):
            continue
        kind = None if activation is None else type(activation)
        if taken.setdefault(norm, kind) is not kind:
            raise ValueError(
                f"{method.key} replaces a norm together with its activation, but {node.target} is "
                "used with different activations behind it"
            )
        norm.take_activation(activation)
        if behind is not None:
            network.skip(behind)
    return nodes


def before_weights(network: Network, method: Method) -> list[fx.Node]:
    """The BatchNorm layers are removed; every weight layer but the classifier gets a normalizer.

    It sees the input of the layer. Names: `norm` beside the layer where that is free, else the
    layer's own name with `_norm`.

    Returns:
        The nodes that call the normalizers, in order of execution.
    """
    for node in network.batch_norms():
        network.skip(node)
    network.drop_unused()
    calls = []
    for node in network.hidden_weight_layers():
        layer = network.module(node)
        beside = f"{str(node.target).rpartition('.')[0]}.norm".lstrip(".")
        taken = dict(network.model.named_modules())
        path = beside if beside not in taken else network.free_path(f"{node.target}_norm")
        norm = method.norm(_channels_in(layer))
        weight = next(network.model.parameters())
        calls.append(network.call_before(node, path, norm.to(weight.device, weight.dtype)))
        network.normalize_at(calls[-1])
    return calls


def _channels_in(layer: Any) -> int:
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
