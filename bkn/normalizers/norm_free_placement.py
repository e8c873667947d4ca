"""How the norm-free recipe gets into a network.

What each place has at the first step is followed through the network: variance 1 behind a weight
layer; alpha^2 more with every residual sum. A branch's input is divided by the standard deviation
expected there, and an activation's gain is that of what stands there. The stream starts at 1 again
behind a shortcut with weights of its own, which begins at the divided input, and behind one that
pads with channels of zeros, where a constant brings it back.

For networks that are written as the paper's (pre-activation: norm and activation stand in front of
each convolution, none in front of the first block) this is the paper's scheme, up to where a branch
is divided: in front of its first activation, as the paper has it; the authors' code does so behind,
which for ReLU is the same. Where the stream was activated already, as by the stem of our resnet or
behind each sum of torchvision's, another ReLU changes little of it and gets a gain near 1, or none
if the stream itself goes through it.

Approximate are: pooling on the way to channels of zeros, where neighbouring places count as
independent (in pictures they are alike, so that more is made up for than was lost); pooling
without such channels, which counts as if it changed nothing (in our binary convnet, whose branches
begin with a sign and give the same at any scale); other pooling, too; a skip gain that starts below
1, since alpha^2 is what a branch adds at 1. Zeros around the pictures take variance from every
convolution, a sixth of it where these are 8x8, and that is not made up for.
"""

import math
import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from bkn.normalizers.norm_free import Scale, SkipGain
from bkn.normalizers.norm_free_stream import FRESH, Stream
from bkn.normalizers.scaled_weights import ScaledWeights
from bkn.surgery.joins import Join, between, joins
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
    streams = Streams(network, alpha)
    _scale_weights(network, clipping)
    _scale_activations(network, streams)
    _scale_branches(network, streams, start, clipping)


class Streams:
    """What is expected at the nodes of a network, also while it is being scaled.

    Args:
        network: with empty places where norms stood.
        alpha: share of a branch in the sum with its shortcut.
    """

    def __init__(self, network: Network, alpha: float):
        self.network, self.alpha = network, alpha
        self.ends = set(network.weight_layers())
        self.known: dict[fx.Node, Stream] = {}
        self.again: set[fx.Node] = set()  # activations of an activated stream, all of it
        for join in joins(network):
            stream = self.ahead(join)
            behind = network.activation_behind(join.node)
            # A gain there would multiply the stream with every block.
            if behind is not None and not stream.normal:
                self.again.add(behind)
            if pads(join):
                stream = stream.scaled()
            self.known[join.node] = stream.added(alpha**2)

    def behind(self, node: fx.Node) -> Stream:
        """What a node gives; fresh where that is not known."""
        if node not in self.known:
            self.known[node] = self._behind(node)
        return self.known[node]

    def _behind(self, node: fx.Node) -> Stream:
        if node in self.ends or len(node.all_input_nodes) != 1:
            return FRESH
        stream = self.behind(node.all_input_nodes[0])
        activation = self.network.activation(node)
        if activation is None:
            return stream
        activated = stream.activated(activation)
        return activated if node in self.again else activated.scaled(stream.variance)

    def ahead(self, join: Join) -> Stream:
        """What a shortcut brings to a sum."""
        if join.projects:
            return FRESH
        stream = self.behind(join.fork)
        way = between(join.fork, join.shortcut) if pads(join) else set()
        for node in self.network.graph.nodes:
            if node in way and (places := _pooled(self.network, node)) > 1:
                stream = stream.pooled(places)
            if node in way and (zeros := _zeros(node)):
                stream = stream.padded(zeros / self._channels(join))
        return stream

    def _channels(self, join: Join) -> int:
        """Of a sum: as many as the last weight layer of its branch puts out."""
        node = join.branch
        while node not in self.ends:
            node = node.all_input_nodes[0]
        layer: Any = self.network.module(node)
        return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


def pads(join: Join) -> bool:
    """Whether a shortcut without weights makes up for missing channels by zeros."""
    way = between(join.fork, join.shortcut)
    return not join.projects and any(_zeros(node) for node in way)


def _zeros(node: fx.Node) -> int:
    """How many channels of zeros a node puts around those of pictures."""
    widths = _second(node, "pad")[4:6] if node.target is F.pad else ()
    return sum(width for width in widths if isinstance(width, int))


def _pooled(network: Network, node: fx.Node) -> int:
    """Over how many places of a picture a node averages."""
    module = network.module(node)
    size: Any = module.kernel_size if isinstance(module, nn.AvgPool2d) else 1
    if node.target is F.avg_pool2d:
        size = _second(node, "kernel_size")
    return size**2 if isinstance(size, int) else math.prod(size)


def _second(node: fx.Node, name: str) -> Any:
    return node.args[1] if len(node.args) > 1 else node.kwargs[name]


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


def _scale_activations(network: Network, streams: Streams) -> None:
    for node in list(network.graph.nodes):
        activation = network.activation(node)
        gates = all(user.target in PRODUCTS for user in node.users)
        if activation is not None and not gates and node not in streams.again:
            path = network.free_path(f"activation_gains.{node.name}")
            gain = streams.behind(node.all_input_nodes[0]).gain(activation)
            network.call_behind(node, path, Scale(gain))


def _scale_branches(network: Network, streams: Streams, start: float, clipping: float) -> None:
    for join in joins(network):
        entries = list(join.entries)
        if join.projects:
            ahead = between(join.fork, join.shortcut)
            entries += [user for user in join.fork.users if user in ahead]
        if pads(join):
            path = network.free_path(f"branches.{join.node.name}_reset")
            _insert(network, join.shortcut, [join.node], path, _divisor(streams.ahead(join)))
        path = network.free_path(f"branches.{join.node.name}_in")
        _insert(network, join.fork, entries, path, _divisor(streams.behind(join.fork)))
        gain = SkipGain(streams.alpha, start, clipping)
        weight = next(network.model.parameters())
        gain.to(weight.device, weight.dtype)
        path = network.free_path(f"branches.{join.node.name}_out")
        _insert(network, join.branch, [join.node], path, gain)


def _divisor(stream: Stream) -> Scale:
    return Scale(1 / math.sqrt(stream.variance))


def _insert(
    network: Network, source: fx.Node, users: list[fx.Node], path: str, module: nn.Module
) -> None:
    """Put a module between a node and some of its users."""
    network.model.add_submodule(path, module)
    with network.graph.inserting_after(source):
        call = network.graph.call_module(path, (source,))
    for user in dict.fromkeys(users):
        user.replace_input_with(source, call)
