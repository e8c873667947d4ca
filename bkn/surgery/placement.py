"""Where normalizers go: in place of batch norm, with its activation, or before weight layers.

A placement is a function of the network under surgery and the method; a card names it. Methods
that change more than that have a placement of their own, made of these.
"""

import copy
import operator
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.normalizers.base import Normalizer
from bkn.surgery.method import Method
from bkn.surgery.network import Network

OUT_OF_PLACE: dict[Any, Any] = {
    "relu_": "relu", "add_": "add", operator.iadd: operator.add, torch.relu_: torch.relu,
    F.leaky_relu_: F.leaky_relu, F.elu_: F.elu, "mul_": "mul", operator.imul: operator.mul,
}  # fmt: skip


def in_place(network: Network, method: Method) -> list[fx.Node]:
    """Every BatchNorm layer gives its place to a normalizer.

    Returns:
        The nodes that call the normalizers, in order of execution.
    """
    nodes = network.batch_norms()
    for node in nodes:
        old = network.module(node)
        if method.card.needs_space and isinstance(network.module(_fed_by(node)), nn.Linear):
            raise ValueError(
                f"{method.key} needs activations with height and width; {node.target} normalizes "
                "the vectors of a linear layer"
            )
        if isinstance(old, _BatchNorm):  # else it was one layer under two names
            paths, norm = network.paths(old), method.norm_like(old)
            for path in paths:
                network.put(path, norm)
    for node in nodes:
        network.normalize_at(node)
    return nodes


def _fed_by(node: fx.Node) -> fx.Node:
    return node.all_input_nodes[0]


def left_empty(network: Network, method: Method) -> list[fx.Node]:
    """`in_place`, for normalizers that hand on the very tensor they are given.

    Returns:
        The nodes that call the normalizers, in order of execution.
    """
    nodes = in_place(network, method)
    for node in nodes:
        (y,) = node.users
        for user in list(y.users):
            _write_elsewhere(network, user)
    return nodes


def with_activation(network: Network, method: Method) -> list[fx.Node]:
    """Every BatchNorm layer gives its place, and that of the activation behind it.

    The normalizer hears which activation it replaces by `take_activation(module)`, or None where
    there is none: at the end of a residual branch, say. The activation counts if it is the only
    one to see the norm's output; the same module may do other work elsewhere and stays there. The
    normalizer may call what it is given: never in place, and with the very parameters it had.

    Returns:
        The nodes that call the normalizers, in order of execution.

    Raises:
        ValueError: for a layer that is called twice with different activations behind it, or with
            and without one.
    """
    nodes = in_place(network, method)
    taken: dict[Normalizer, str] = {}
    for node in nodes:
        norm = network.module(node)
        if not isinstance(norm, Normalizer):
            continue
        (y,) = node.users
        behind = network.activation_behind(y)
        activation = None if behind is None else _out_of_place(network.activation(behind))
        if taken.setdefault(norm, _identity(activation)) != _identity(activation):
            raise ValueError(
                f"{method.key} replaces a norm together with its activation, but {node.target} is "
                "used with different activations behind it"
            )
        norm.take_activation(activation)
        if behind is not None:
            network.skip(behind)
    return nodes


def _out_of_place(activation: nn.Module | None) -> nn.Module | None:
    """The activation, or a copy that does not write over its input."""
    if not getattr(activation, "inplace", False):
        return activation
    plain: Any = copy.deepcopy(activation)
    plain.inplace = False
    return cast(nn.Module, plain)


def _identity(activation: nn.Module | None) -> str:
    """The same for activations that do the same; each one with parameters is different."""
    if activation is None or not any(True for _ in activation.parameters()):
        return repr(activation)
    return f"{activation!r} {id(activation)}"


def before_weights(network: Network, method: Method) -> list[fx.Node]:
    """The BatchNorm layers are removed; every weight layer but the classifier gets a normalizer.

    It sees the input of the layer, in a layer of quantized inputs what is quantized: behind that
    the inputs would be real numbers again. Where a block has no other weight layer, the normalizer
    is the block's `norm`; else it is called as the layer, `norm1` for `conv1`.

    Returns:
        The nodes that call the normalizers, in order of execution.
    """
    for node in network.batch_norms():
        for user in list(node.users):
            _write_elsewhere(network, user)
        network.skip(node)
    network.drop_unused()
    layers = [str(node.target) for node in network.weight_layers()]
    calls = []
    for node in network.hidden_weight_layers():
        layer = network.module(node)
        block, _, name = str(node.target).rpartition(".")
        alone = len({other for other in layers if other.startswith(f"{block}.")}) == 1
        path = f"{block}.norm" if alone else f"{block}.{_name_for(name)}".lstrip(".")
        path = network.free_path(path)
        weight = next(network.model.parameters())
        norm = method.norm(_channels_in(layer)).to(weight.device, weight.dtype)
        if layer is not None:
            norm.train(layer.training)
        calls.append(network.call_before(_quantizer(network, node) or node, path, norm))
        network.normalize_at(calls[-1])
    return calls


def _quantizer(network: Network, node: fx.Node) -> fx.Node | None:
    """What quantizes the input of a weight layer, and of no other; None for a layer without it."""
    source = _fed_by(node)
    quantizes = getattr(network.module(source), "quantizes", False)
    return source if quantizes and len(source.users) == 1 else None


def _name_for(layer: str) -> str:
    """What the normalizer before a layer is called: `norm1` for `conv1`, `fc_norm` for `fc`."""
    return layer.replace("conv", "norm") if "conv" in layer else f"{layer}_norm"


def _write_elsewhere(network: Network, node: fx.Node) -> None:
    """Let an operation that works in place make a result of its own.

    Behind batch norm it wrote over what nobody else had seen. With the norm gone it would write
    over the norm's input, which a shortcut, say, still needs.
    """
    module: Any = network.module(node)
    if getattr(module, "inplace", False):
        module.inplace = False
    if node.kwargs.get("inplace"):
        node.kwargs = {**node.kwargs, "inplace": False}
    node.target = OUT_OF_PLACE.get(node.target, node.target)


def _channels_in(layer: Any) -> int:
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
