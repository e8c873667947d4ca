"""A model as a torch.fx graph that still knows training from evaluation.

torch.fx writes down what a model does in one of the two modes: a drop of whole branches that asks
`self.training`, or auxiliary heads, would be frozen as they are while tracing. So the model is
traced in both modes. Calls that differ in a flag ask the mode when they run, and where the
outputs differ each mode gets its own.
"""

import operator
from inspect import signature
from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.surgery.sparing import CHOICE

Twins = dict[fx.Node, fx.Node]  # nodes of the graph of evaluation -> those of training


class InTraining(nn.Module):
    """Whether the layer that this module stands in is in training mode."""

    def forward(self) -> bool:
        return self.training


class ByMode(nn.Module):
    """Of two outputs that of the mode; see sparing.py for what evaluation need not compute."""

    def forward(self, training: Any, evaluation: Any) -> Any:
        return training if self.training else evaluation


class Tracer(fx.Tracer):
    """Normalizers and layers of our own stay whole, also those defined outside torch."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        leaf = isinstance(m, _BatchNorm | nn.modules.conv._ConvNd | nn.Linear)
        leaf = leaf or getattr(m, "traced_whole", False)  # e.g. with a gradient of its own
        return leaf or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module) -> fx.Graph:
    """The graph of a model; modules that ask for the mode are added to the model.

    Raises:
        ValueError: if evaluation does something that is no part of training.
        Exception: whatever torch.fx and the model raise.
    """
    modes = {module: module.training for module in model.modules()}
    fixed = _fixed_arguments(model)
    graph, evaluation = (_graph(model.train(mode), fixed) for mode in (True, False))
    for module, mode in modes.items():
        module.training = mode
    twins = _twins(model, graph, evaluation)
    model.add_module(CHOICE, ByMode())
    for node, twin in twins.items():
        if node.op == "output":
            _choose_output(graph, node, twin, twins)
        else:
            _ask_for_flags(model, graph, node, twin)
    return graph


def _fixed_arguments(model: nn.Module) -> dict[str, Any]:
    """Arguments that a graph cannot keep open, by their default: None, and flags.

    What the model asks of them is settled while it is traced.
    """
    taken = signature(model.forward).parameters.values()
    return {p.name: p.default for p in taken if p.default is None or isinstance(p.default, bool)}


def _graph(model: nn.Module, fixed: dict[str, Any]) -> fx.Graph:
    """The graph in the present mode; given other values the fixed arguments fail, by torch.fx."""
    graph = Tracer().trace(model, concrete_args=fixed or None)
    for node in graph.nodes:
        name = str(node.target).rpartition("_")[0]
        if node.op == "placeholder" and name in fixed:
            node.target = name  # torch.fx numbers them, but calls may name them
    return graph


def _twins(model: nn.Module, graph: fx.Graph, other: fx.Graph) -> Twins:
    """For each node of `other` the one of `graph` that does the same, in the order of both."""
    twins: Twins = {}
    candidates = iter(graph.nodes)
    for node in other.nodes:
        twin = next((one for one in candidates if _alike(model, node, one, twins)), None)
        if twin is None:
            raise ValueError(
                f"evaluation computes what training does not ({node.name}: {node.target})"
            )
        twins[node] = twin
    return twins


def _alike(model: nn.Module, node: fx.Node, one: fx.Node, twins: Twins) -> bool:
    """Whether two nodes do the same, but for flags; outputs always do."""
    if node.op != one.op or node.op == "output":
        return node.op == one.op
    if node.op == "get_attr":
        values = [_attribute(model, str(each.target)) for each in (node, one)]
        return values[0] is values[1] or torch.equal(*values)
    if node.target != one.target or node.kwargs.keys() != one.kwargs.keys():
        return False
    pairs = list(zip(_values(node, twins), _values(one), strict=False))
    same_number = len(node.args) == len(one.args)
    return same_number and all(a == b or _is_flag(a, b) for a, b in pairs)


def _values(node: fx.Node, twins: Twins | None = None) -> list[Any]:
    """All arguments of a call, in terms of the other graph's nodes if twins are given."""
    values = [*node.args, *(node.kwargs[name] for name in sorted(node.kwargs))]
    return values if twins is None else list(fx.node.map_arg(tuple(values), twins.__getitem__))


def _is_flag(a: Any, b: Any) -> bool:
    return isinstance(a, bool) and isinstance(b, bool)


def _attribute(model: nn.Module, path: str) -> Any:
    owner, _, name = path.rpartition(".")
    return getattr(model.get_submodule(owner), name)


def _ask_for_flags(model: nn.Module, graph: fx.Graph, node: fx.Node, twin: fx.Node) -> None:
    """Where the two modes differ in a flag, let the call ask for the mode."""

    def flag(a: Any, b: Any) -> Any:
        if not _is_flag(a, b) or a == b:
            return b
        with graph.inserting_before(twin):
            asked = graph.call_module(_asker(model, _owner(twin)))
            return asked if b else graph.call_function(operator.not_, (asked,))

    args = tuple(flag(a, b) for a, b in zip(node.args, twin.args, strict=True))
    kwargs = {name: flag(node.kwargs[name], value) for name, value in twin.kwargs.items()}
    if args != twin.args or kwargs != twin.kwargs:
        twin.args, twin.kwargs = args, kwargs


def _owner(node: fx.Node) -> str:
    """The path of the module in whose forward a node was traced."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return stack[-1][0] if stack else ""


def _asker(model: nn.Module, owner: str) -> str:
    """The path of the module that knows the mode of `owner`."""
    parent = model.get_submodule(owner)
    if "in_training" not in dict(parent.named_children()):
        parent.add_module("in_training", InTraining().train(parent.training))
    return f"{owner}.in_training".lstrip(".")


def _choose_output(graph: fx.Graph, node: fx.Node, twin: fx.Node, twins: Twins) -> None:
    """Where the outputs differ, give each mode its own."""
    ours, theirs = twin.args[0], fx.node.map_arg(node.args[0], twins.__getitem__)
    if ours == theirs:
        return
    with graph.inserting_before(twin):
        twin.args = (graph.call_module(CHOICE, (ours, theirs)),)
