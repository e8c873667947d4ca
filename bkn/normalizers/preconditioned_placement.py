"""How gradient preconditioning gets into a network: statistics in front of every weight layer."""

from typing import Any

from torch import nn

from bkn.normalizers.preconditioned import InputStatistics
from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import left_empty
from bkn.surgery.weights import with_bias


def place(network: Network, method: Method) -> None:
    """BatchNorm layers become identities; every weight layer's gradients get preconditioned.

    The classifier's too: its inputs are no more normalized than the others'. All weight layers get
    a bias, without which the transformation is not defined; those in front of a norm rarely have
    one.

    Raises:
        ValueError: for transposed convolutions, rewritten weights, and layers that are used twice.
    """
    left_empty(network, method)
    seen: set[nn.Module] = set()
    for node in network.weight_layers():
        layer: Any = network.module(node)
        if (
            layer in seen
            or getattr(layer, "transposed", False)
            or "weight" not in layer._parameters
        ):
            raise ValueError(
                f"{method.key} works on plain convolutions and linear layers used once; "
                f"{node.target} is not one"
            )
        seen.add(layer)
        with_bias(layer)
        linear = isinstance(layer, nn.Linear)
        statistics = InputStatistics(
            str(node.target),
            channels=layer.in_features if linear else layer.in_channels,
            groups=1 if linear else layer.groups,
            axis=-1 if linear else -1 - len(layer.kernel_size),
            **{name: float(value) for name, value in method.options.items()},
        )
        path = network.free_path(f"{node.target}_statistics")
        statistics.to(layer.weight.device, layer.weight.dtype).train(layer.training)
        network.call_before(node, path, statistics)
