"""The weight layer that feeds each normalizer: its weights, their gradient and how they move."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, fx, nn

from bkn.moments.weaver import RULES
from bkn.normalizers.base import Normalizer


def feeding_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """Label of a normalizer -> weights of the nearest weight layer below it.

    Where branches meet, the one that was computed last counts (the branch, not the shortcut). A
    normalizer in front of all weight layers is left out.
    """
    found = {}
    for graph in [module for module in model.modules() if isinstance(module, fx.GraphModule)]:
        order = {node: at for at, node in enumerate(graph.graph.nodes)}
        for node in order:
            if isinstance(_called(graph, node), Normalizer):
                weights = _nearest(graph, node, order)
                if weights is not None:
                    found[str(node.target).removesuffix(".norm")] = weights
    return found


def _nearest(
    model: fx.GraphModule, norm: fx.Node, order: Mapping[fx.Node, int]
) -> nn.Parameter | None:
    open_ends, seen = {norm.all_input_nodes[0]}, set()
    while open_ends:
        node = max(open_ends, key=order.__getitem__)
        open_ends.remove(node)
        seen.add(node)
        module = _called(model, node)
        if isinstance(module, Normalizer):  # what else it gets is not its input
            open_ends |= {node.all_input_nodes[0]} - seen
            continue
        if module is not None and not str(node.target).startswith(RULES):
            matrices = [p for p in module.parameters() if p.dim() > 1]
            if matrices:
                return matrices[0]
        open_ends |= set(node.all_input_nodes) - seen
    return None


def _called(model: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return model.get_submodule(str(node.target)) if node.op == "call_module" else None


class WeightWatch:
    """Norms of the weights, of their gradients, and of their last step over their own.

    Args:
        weights: by label.
    """

    def __init__(self, weights: Mapping[str, nn.Parameter]):
        self.weights = dict(weights)
        self._before: dict[str, Tensor] = {}

    def remember(self) -> None:
        """Keep the weights as they are in front of an optimizer step."""
        self._before = {label: weight.detach().clone() for label, weight in self.weights.items()}

    def take(self, label: str) -> tuple[float | Tensor, float | Tensor, float | Tensor]:
        """Norm of the gradient of the last step, of the weights, and the step's over theirs.

        The gradient is what the optimizer got. The update is not a number unless the weights were
        remembered in front of the last step; they are forgotten now.
        """
        weight = self.weights.get(label)
        if weight is None:
            return math.nan, math.nan, math.nan
        with torch.no_grad():
            size = weight.norm()
            before, update = self._before.pop(label, None), torch.full_like(size, math.nan)
            if before is not None:
                update = (weight - before).norm() / before.norm()
            gradient = update * math.nan if weight.grad is None else weight.grad.norm()
        return gradient, size, update
