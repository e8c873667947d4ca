"""Normalizers that watch the layer that feeds them: its input and its weight.

The normalizer is called `norm(y, None, x_in, weight)`, y = layer(x_in). The graph carries both, so
that copies and checkpoints of the network stay what they are.
"""

from typing import Protocol, cast, runtime_checkable

from torch import fx, nn

from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import in_place


@runtime_checkable
class WatchesLayer(Protocol):
    """A normalizer that may be given its layer's input and weight."""

    def take_layer(self, layer: nn.Module) -> bool:
        """Hear which layer feeds this normalizer.

        Returns:
            Whether it wants the input and weight of such a layer with every call.
        """
        ...


def with_layer(network: Network, method: Method) -> list[fx.Node]:
    """Every BatchNorm layer gives its place; where a weight layer feeds it, it watches that.

    A layer feeds a normalizer if its output goes there and nowhere else, and if both are called
    only once. Where something else does (a residual sum, say), the normalizer hears nothing and
    is called as any other.

    Returns:
        The nodes that call the normalizers, in order of execution.
    """
    nodes = in_place(network, method)
    calls = [network.module(node) for node in network.nodes(nn.Module)]
    for node in nodes:
        norm, feeding = network.module(node), network.feeding(node)
        layer = network.module(feeding)
        if feeding is None or layer is None or not isinstance(norm, WatchesLayer):
            continue
        if calls.count(layer) > 1 or calls.count(cast(nn.Module, norm)) > 1:
            continue
        if norm.take_layer(layer):
            with network.graph.inserting_before(node):
                weight = network.graph.get_attr(f"{feeding.target}.weight")
            node.args = (node.args[0], None, feeding.all_input_nodes[0], weight)
    return nodes
