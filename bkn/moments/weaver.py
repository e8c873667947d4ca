"""The weaving itself: from each normalizer's belief to the prior of the next, through the graph."""

import operator
import warnings
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, fx, nn

from bkn.moments.operation import Arrive, Join
from bkn.moments.reading import mark_constants, read
from bkn.moments.steps import Step, is_activation
from bkn.normalizers.base import Normalizer

RULES = "moment_rules"  # the submodule that holds the woven rules


@dataclass(frozen=True)
class Begin:
    """A belief that a normalizer hands on."""

    norm: fx.Node


@dataclass(frozen=True)
class Lost:
    """A belief that ended at an operation without a rule."""

    operation: str


Way = Begin | Step | Lost | None  # None: there never was a belief


def normalizer_of(node: object, model: nn.Module) -> Normalizer | None:
    """The normalizer that a node calls."""
    if not isinstance(node, fx.Node) or node.op != "call_module":
        return None
    module = model.get_submodule(str(node.target))
    return module if isinstance(module, Normalizer) else None


class Weaver:
    """Adds to the graph of a model the rules on the way from each normalizer to the next.

    First it follows the beliefs forwards, without touching the graph (`ways`); then it looks
    backwards for those that some normalizer consumes; only these are added.
    """

    def __init__(self, model: fx.GraphModule):
        self.model = model
        self.graph = model.graph
        self.nodes = list(model.graph.nodes)
        self.parameters = dict(model.named_parameters())
        self.norms = [node for node in self.nodes if normalizer_of(node, model) is not None]
        self.transition = transition_of(self.norms, model)
        self.ways: dict[fx.Node, Way] = {}  # activations -> how their belief comes about
        self.carried: dict[fx.Node, fx.Node] = {}  # activations -> their belief

    def weave(self) -> None:
        mark_constants(self.graph)
        for node in self.nodes:
            self.ways[node] = self.way(node)
        self.warn()
        needed = self.needed()
        for node in self.nodes:
            if node in needed:
                self.carried[node] = self.emit(node, self.ways[node])
            if node in self.norms and observed(node) in self.carried:
                with self.graph.inserting_before(node):
                    prior = self.call(f"to_{node.name}", Arrive(), self.carried[observed(node)])
                node.args = (observed(node), prior)

    def way(self, node: fx.Node) -> Way:
        """How the belief about a node's output comes about."""
        if node.target is operator.getitem and node.args[0] in self.norms:
            return Begin(cast(fx.Node, node.args[0]))
        if node in self.norms or node.op == "placeholder" or not is_activation(node):
            return None
        step = read(node, self.model)
        sources = node.all_input_nodes if step is None else step.sources
        ways = [self.ways[source] for source in sources]
        lost = [way for way in ways if isinstance(way, Lost)]
        if lost:
            return lost[0]
        if step is None:
            return Lost(words(node, self.model)) if any(ways) else None
        if all(ways):
            return step
        unknown = f"{words(node, self.model)} with what no belief is about"
        return Lost(unknown) if any(ways) else None

    def warn(self) -> None:
        """Say once which layers have no prior, and through which operations."""
        lost = {
            str(norm.target): way.operation
            for norm in self.norms
            if isinstance(way := self.ways[observed(norm)], Lost)
        }
        if lost:
            operations = ", ".join(dict.fromkeys(lost.values()))
            warnings.warn(
                f"no moment rule for {operations}: these layers get no prior and trust their "
                f"batch: {', '.join(lost)}",
                UserWarning,
                stacklevel=4,
            )

    def needed(self) -> set[fx.Node]:
        """The activations whose belief some normalizer consumes."""
        needed = {observed(norm) for norm in self.norms}
        for node in reversed(self.nodes):
            way = self.ways[node]
            if node in needed and isinstance(way, Step):
                needed.update(way.sources)
        return {node for node in needed if isinstance(self.ways[node], Begin | Step)}

    def emit(self, node: fx.Node, way: Way) -> fx.Node:
        """Put the rule of an operation behind it; returns the node of the belief."""
        with self.graph.inserting_before(node.next):
            if isinstance(way, Begin):
                belief = self.graph.call_function(operator.getitem, (way.norm, 1))
                return self.graph.call_module(f"{way.norm.target}.transition", (belief,))
            step = cast(Step, way)
            carried = [self.carried[source] for source in step.sources]
            if isinstance(step.rule, Join):
                return self.call(node.name, step.rule, carried, list(step.sources))
            weights = [
                self.graph.get_attr(weight) if isinstance(weight, str) else weight
                for weight in step.weights
            ]
            rule = self.transition.rule(step.rule, self.weight_of(step))
            return self.call(node.name, rule, carried[0], step.sources[0], *weights)

    def weight_of(self, step: Step) -> Tensor | None:
        """The parameter that is the weight of an operation; None if there is none."""
        weight = step.weights[0] if step.weights else None
        if isinstance(weight, fx.Node):
            weight = str(weight.target) if weight.op == "get_attr" else None
        return self.parameters.get(str(weight))

    def call(self, name: str, rule: nn.Module, *args: Any) -> fx.Node:
        self.model.add_submodule(f"{RULES}.{name}", rule)
        return self.graph.call_module(f"{RULES}.{name}", args)


def transition_of(norms: list[fx.Node], model: nn.Module) -> Any:
    """How the normalizers' beliefs travel: `Transition` (bkn/normalizers/transition.py)."""
    first = normalizer_of(norms[0], model)
    return cast(Any, first).transition


def observed(norm: fx.Node) -> fx.Node:
    """The activations that a normalizer sees."""
    return cast(fx.Node, norm.args[0])


def words(node: fx.Node, model: nn.Module) -> str:
    """An operation as people know it."""
    if node.op == "call_module":
        return f"{type(model.get_submodule(str(node.target))).__name__} ({node.target})"
    return getattr(node.target, "__name__", str(node.target))
