"""One operation of a traced network as the weaver needs it, and how to read a call's arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import fx, nn

CONSTANT = "constant"  # mark of a node whose value depends on no activations but by their shapes


@dataclass(frozen=True)
class Step:
    """An operation: its moment rule, where its inputs come from, what else it is called with."""

    rule: nn.Module
    sources: tuple[fx.Node, ...]
    weights: tuple[Any, ...] = ()  # nodes, names of parameters, numbers


Reader = Callable[..., Step | None]


def argument(node: fx.Node, position: int, name: str, default: Any = None) -> Any:
    """An argument of a call, by position or by name."""
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One number per spatial axis, from one for all or several."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def unary(rule: nn.Module, node: fx.Node, *weights: Any) -> Step | None:
    """A step whose activations are the first argument, or the keyword input."""
    source = argument(node, 0, "input")
    return Step(rule, (source,), weights) if isinstance(source, fx.Node) else None


def simple(rule: Callable[[], nn.Module]) -> Reader:
    """The reader of a call without arguments of its own."""
    return lambda node: unary(rule(), node)


def is_activation(value: Any) -> bool:
    """Whether an argument of a call depends on the images."""
    return isinstance(value, fx.Node) and not value.meta.get(CONSTANT, False)


def numbers(*values: Any) -> bool:
    """Whether all are numbers, None, or (nested) lists of such: nothing that the graph computes."""
    return not any(
        isinstance(value, fx.Node) or (isinstance(value, list | tuple) and not numbers(*value))
        for value in values
    )
