"""One operation of a traced network as the weaver needs it, and how to read a call's arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import fx, nn

from bkn.moments.pooling import AdaptiveAvgPool


@dataclass(frozen=True)
class Step:
    """An operation: its moment rule, where its inputs come from, which weights it uses."""

    rule: nn.Module
    sources: tuple[fx.Node, ...]
    weights: tuple[fx.Node | str | None, ...] = ()  # nodes, or names of parameters


Reader = Callable[..., Step | None]


def argument(node: fx.Node, position: int, name: str, default: Any = None) -> Any:
    """An argument of a call, by position or by name."""
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One number per spatial axis, from one for all or several."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def unary(rule: nn.Module, node: fx.Node, *weights: fx.Node | str | None) -> Step | None:
    """A step whose activations are the first argument, or the keyword input."""
    source = argument(node, 0, "input")
    return Step(rule, (source,), weights) if isinstance(source, fx.Node) else None


def adaptive_pool(node: fx.Node, size: Any, axes: int) -> Step | None:
    """Adaptive average pooling to sizes known when the model is converted."""
    sizes = (size,) * axes if not isinstance(size, list | tuple) else tuple(size)
    if not all(isinstance(one, int) for one in sizes):
        return None
    return unary(AdaptiveAvgPool(sizes), node)
