"""Where moving average batch normalization goes, and the centred weights in front of it."""

import torch
import torch.nn.functional as F
from torch import fx, nn

from bkn.normalizers.centred import Centred
from bkn.surgery.method import Method
from bkn.surgery.network import ADDITIONS, Network
from bkn.surgery.placement import in_place
from bkn.surgery.weights import raw_weight, rewrite, without_bias

WAYS = ADDITIONS | {
    F.pad, F.dropout, F.avg_pool1d, F.avg_pool2d, F.avg_pool3d, F.max_pool1d, F.max_pool2d,
    F.max_pool3d, torch.cat, torch.flatten, "flatten",
}  # fmt: skip
WAY_MODULES = (
    nn.Identity, nn.Dropout, nn.Flatten, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.MaxPool1d,
    nn.MaxPool2d, nn.MaxPool3d, nn.ZeroPad2d,
)  # fmt: skip


def with_centred_weights(network: Network, method: Method) -> list[fx.Node]:
    """Every BatchNorm layer gives its place, and the weights that feed one are centred.

    These are all convolutions and linear layers whose output reaches a normalizer as it is, or
    through sums, pools and other ways that keep channels apart (`WAYS`). Their bias is removed.

    Returns:
        The nodes that call the normalizers, in order of execution.

    Raises:
        ValueError: for a layer whose filters have a single value each, which would be 0.
    """
    nodes = in_place(network, method)
    done: set[nn.Module] = set()
    for node in feeding(network, nodes):
        layer = network.module(node)
        if layer is None or layer in done:
            continue
        if raw_weight(layer)[0].numel() == 1:
            raise ValueError(
                f"{method.key} takes the mean away from each filter, but those of {node.target} "
                "have a single value, of which nothing would be left"
            )
        rewrite(network, node, Centred())
        without_bias(layer)
        done.add(layer)
    return nodes


def feeding(network: Network, norms: list[fx.Node]) -> list[fx.Node]:
    """The weight layers whose output reaches a normalizer through `WAYS` alone, if any."""
    layers, found = set(network.weight_layers()), set()
    seen: set[fx.Node] = set()
    open_ends = [source for node in norms for source in node.all_input_nodes]
    while open_ends:
        node = open_ends.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in layers:
            found.add(node)
        elif node.target in WAYS or isinstance(network.module(node), WAY_MODULES):
            open_ends.extend(node.all_input_nodes)
    return [node for node in network.weight_layers() if node in found]
