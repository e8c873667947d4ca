"""A map of a converted network: its operations with their shapes, and what feeds what.

It is the model's graph without the woven predictions: beliefs travel beside the activations, and
are not drawn.
"""

import operator
from typing import Any

import torch
from torch import Tensor, fx, nn

from bkn.moments.weaver import RULES
from bkn.normalizers.base import Normalizer
from bkn.probe.frozen import frozen
from bkn.probe.map_places import columns_of, rows_of
from bkn.probe.map_words import kind_of, title_of

Network = dict[str, list[Any]]


def network_map(model: nn.Module, image: Tensor) -> Network:
    """The document "network" of a run, ready for JSON.

    Args:
        model: a converted network.
        image: one of those that it is made for, (1, C, H, W).

    Returns:
        "nodes": dictionaries with id, kind (input, conv, linear, norm, activation, pool, add,
        multiply, cat, shape, dropout, output or other), name, title, shape of the output without
        the number of images, label (of a norm, as `norm_layers` says), block (where it belongs),
        and a place: column along the longest path, row 0 on that path. "edges": pairs of ids.
    """
    graph = next(module for module in model.modules() if isinstance(module, fx.GraphModule))
    with frozen(model):
        model.eval()
        shapes = _Shapes(graph)
        shapes.run(image)
    nodes: list[dict[str, Any]] = []
    edges: list[tuple[int, int]] = []
    stands: dict[fx.Node, list[int]] = {}  # fx node -> ids of what is drawn for it
    for node in graph.graph.nodes:
        sources = _sources(graph, node)
        behind = list(dict.fromkeys(at for source in sources for at in stands[source]))
        if not _drawn(graph, node, shapes.found):
            stands[node] = [] if _is_belief(graph, node) else behind
            continue
        module = _module(graph, node)
        block = _block(node)
        if block is None:
            block = nodes[behind[0]]["block"] if behind else ""
        nodes.append(
            {
                "id": len(nodes),
                "kind": kind_of(node, module),
                "name": str(node.target) if module is not None else node.name,
                "title": title_of(node, module),
                "shape": list(shapes.found[node][1:]),
                "label": str(node.target).removesuffix(".norm")
                if isinstance(module, Normalizer)
                else "",
                "block": block,
            }
        )
        stands[node] = [len(nodes) - 1]
        edges += [(at, len(nodes) - 1) for at in behind]
    columns = columns_of(len(nodes), edges)
    rows = rows_of(columns, edges)
    for node, column, row in zip(nodes, columns, rows, strict=True):
        node |= {"column": column, "row": row}
    return {"nodes": nodes, "edges": [list(edge) for edge in edges]}


class _Shapes(fx.Interpreter):
    """Runs a graph and keeps the shape of every tensor."""

    def __init__(self, graph: fx.GraphModule):
        super().__init__(graph)
        self.found: dict[fx.Node, torch.Size] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        first = result[0] if isinstance(result, tuple) and _module(self.module, n) else result
        if isinstance(first, Tensor):
            self.found[n] = first.shape
        return result


def _module(graph: Any, node: fx.Node) -> nn.Module | None:
    module: nn.Module | None = None
    if node.op == "call_module":
        module = graph.get_submodule(str(node.target))
    return module


def _is_belief(graph: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a node belongs to the predictions: a belief, a rule, or weights that rules read."""
    if node.op == "get_attr" or str(node.target).startswith(f"{RULES}."):
        return True
    if node.op == "call_module":
        parent = graph.get_submodule(str(node.target).rpartition(".")[0])
        return isinstance(parent, Normalizer)
    if node.target is operator.getitem and isinstance(node.args[0], fx.Node):
        return node.args[1:] == (1,) and isinstance(_module(graph, node.args[0]), Normalizer)
    return False


def _drawn(graph: fx.GraphModule, node: fx.Node, shapes: dict[fx.Node, torch.Size]) -> bool:
    """Whether a node is an operation of its own on activations."""
    if _is_belief(graph, node) or node not in shapes:
        return False
    return node.target is not operator.getitem and not isinstance(_module(graph, node), nn.Identity)


def _sources(graph: fx.GraphModule, node: fx.Node) -> list[fx.Node]:
    """The activations that go into a node; what a normalizer gets beside its input is not drawn."""
    inputs = node.all_input_nodes
    return inputs[:1] if isinstance(_module(graph, node), Normalizer) else inputs


def _block(node: fx.Node) -> str | None:
    """The part of the network in which a node stands, by its dotted name; None if unknown."""
    if node.op == "call_module":
        return str(node.target).rpartition(".")[0]
    if node.op in ("placeholder", "output"):
        return ""
    stack = list(node.meta.get("nn_module_stack") or ())
    return str(stack[-1]) if stack else None
