"""How the norm-free recipe gets into a network.

The variance that each place has at the first step is followed through the network: 1 behind a
weight layer; alpha^2 more with every residual sum. A branch's input is divided by the standard
deviation expected there. A shortcut with weights of its own begins at the divided input, so the
stream starts at 1 again behind it.

For networks that are written as the paper's (pre-activation: norm and activation stand in front of
each convolution) this is the paper's scheme, up to where a branch is divided: in front of its
first activation, as the paper has it; the authors' code does so behind, which for ReLU is the same.
Approximate are: networks that activate after the sum, as torchvision's ResNets do, where the
stream has a mean and its variance is followed as if it had none (an activation of what was
activated already gets no gain there); shortcuts that pool or pad; zero padding of strided
convolutions.
"""

import math
import operator
from typing import Any

import torch
from torch import fx, nn

from bkn.normalizers.norm_free import Scale, SkipGain, activation_gain
from bkn.normalizers.scaled_weights import ScaledWeights
from bkn.surgery.joins import between, joins
from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import left_empty
from bkn.surgery.weights import raw_weight, rewrite, with_bias

PRODUCTS = {operator.mul, operator.imul, torch.mul, "mul", "mul_"}


def place(network: Network, method: Method) -> None:
    """BatchNorm layers become identities; weights, activations and branches are scaled.

    Weights of all layers but the classifier are standardized and get a bias, unless their filters
    have a single weight, which would become zero. Gates, activations that only multiply, keep
    their range.

    Raises:
        ValueError: for a network whose weight layers it cannot standardize.
    """
    clipping, alpha, start = (
        float(method.options[name]) for name in ("clipping", "alpha", "skip_gain")
    )
    left_empty(network, method)
    _scale_weights(network, clipping)
    _scale_activations(network)
    _scale_branches(network, alpha, start, clipping)


def _scale_weights(network: Network, clipping: float) -> None:
    seen: set[nn.Module] = set()
    for node in network.hidden_weight_layers():
        layer: Any = network.module(node)
        if layer in seen:
            continue
        seen.add(layer)
        if getattr(layer, "transposed", False) or "weight" not in layer._parameters:
            raise ValueError(
                f"norm_free standardizes plain convolutions and linear layers; {node.target} is "
                "not one"
            )
        if raw_weight(layer)[0].numel() > 1:
            with_bias(layer)
            scaled = ScaledWeights(str(node.target), len(layer.weight), clipping)
            scaled.to(layer.weight.device, layer.weight.dtype)
            rewrite(network, node, scaled)


def _scale_activations(network: Network) -> None:
    kept = _activated_again(network)
    for node in list(network.graph.nodes):
        activation = network.activation(node)
        gates = all(user.target in PRODUCTS for user in node.users)
        if activation is not None and not gates and node not in kept:
            path = network.free_path(f"activation_gains.{node.name}")
            network.call_behind(node, path, Scale(activation_gain(activation)))


def _activated_again(network: Network) -> set[fx.Node]:
    """Activations behind a sum whose shortcut brings an activated stream, as in most ResNets.

    They change little. A gain at each of them would multiply the stream by it with every block.
    """
    return {
        again
        for join in joins(network)
        if (again := network.activation_behind(join.node)) is not None
        if not join.projects and _is_activated(network, join.fork)
    }


def _is_activated(network: Network, node: fx.Node) -> bool:
    """Whether an activation stands on the way to a node, behind its last weight layer or sum."""
    layers = set(network.weight_layers())
    while network.activation(node) is None:
        if node in layers or len(node.all_input_nodes) != 1:
            return False
        (node,) = node.all_input_nodes
    return True


def _scale_branches(network: Network, alpha: float, start: float, clipping: float) -> None:
    variances: dict[fx.Node, float] = {}
    for join in joins(network):
        variance = _variance(join.fork, variances)
        entries = list(join.entries)
        if join.projects:
            ahead = between(join.fork, join.shortcut)
            entries += [user for user in join.fork.users if user in ahead]
        path = network.free_path(f"branches.{join.node.name}_in")
        _insert(network, join.fork, entries, path, Scale(1 / math.sqrt(variance)))
        gain = SkipGain(alpha, start, clipping)
        weight = next(network.model.parameters())
        gain.to(weight.device, weight.dtype)
        path = network.free_path(f"branches.{join.node.name}_out")
        _insert(network, join.branch, [join.node], path, gain)
        kept = 1.0 if join.projects else variance
        variances[join.node] = kept + alpha**2


def _insert(
    network: Network, source: fx.Node, users: list[fx.Node], path: str, module: nn.Module
) -> None:
    """Put a module between a node and some of its users."""
    network.model.add_submodule(path, module)
    with network.graph.inserting_after(source):
        call = network.graph.call_module(path, (source,))
    for user in dict.fromkeys(users):
        user.replace_input_with(source, call)


def _variance(node: fx.Node, sums: dict[fx.Node, float]) -> float:
    """The expected variance at a node: that of the last residual sum on the way, else 1."""
    while node not in sums:
        inputs = node.all_input_nodes
        if len(inputs) != 1:
            return 1.0
        (node,) = inputs
    return sums[node]
