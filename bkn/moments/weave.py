"""Give any traceable network other normalizers, and weave the beliefs between them into it.

`convert` swaps every nn.BatchNorm layer. For methods that use a prior it also follows each
normalizer's belief through the operations behind it: for every operation on the way to the next
normalizer the operation's moment rule is called right after it, so that the converted model is
plain generated code that carries beliefs beside the activations.
"""

import copy
import operator
import warnings
from typing import Any

from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.catalog import METHODS, pick
from bkn.moments.operation import Arrive
from bkn.moments.reading import Step, read
from bkn.normalizers.base import BatchStatistics, Normalizer
from bkn.normalizers.build import build_norm

RULES = "moment_rules"  # the submodule that holds the woven rules

UNTRACEABLE = (
    fx.proxy.TraceError, TypeError, ValueError, RuntimeError, AttributeError, IndexError, KeyError,
)  # fmt: skip


def convert(
    model: nn.Module, method: str, *, micro_batch: int | None = None, **options: Any
) -> fx.GraphModule:
    """A copy of the model with every nn.BatchNorm layer replaced by the method.

    Affine weights, running averages, eps, momentum, and the names in the state_dict are kept. An
    operation without a moment rule drops the belief: the next normalizer then trusts its batch,
    and one UserWarning names the operation.

    Args:
        model: any network that torch.fx can trace; stays as it is.
        method: key of a method's card.
        micro_batch: images per set of statistics, None for the whole batch.
        options: of the card.

    Raises:
        ValueError: for a model without BatchNorm layers, one that cannot be traced (with the
            reason), an unknown method or option.
    """
    card = pick(METHODS, method, "method")
    name = type(model).__name__
    if not any(isinstance(module, _BatchNorm) for module in model.modules()):
        raise ValueError(f"{name} has no nn.BatchNorm layer to convert")
    model = copy.deepcopy(model)
    try:
        graph = _Tracer().trace(model)
    except UNTRACEABLE as error:
        raise ValueError(f"{name} cannot be traced by torch.fx: {error}") from error
    converted = fx.GraphModule(model, graph, name)
    _swap(converted, method, micro_batch, options)
    if card.uses_prior:
        _Weaver(converted).weave()
    graph.lint()
    converted.recompile()
    return converted


def norm_layers(model: nn.Module) -> dict[str, Normalizer]:
    """The normalizers of a converted model by label, in order of execution.

    The label is the module's path without a trailing ".norm".
    """
    if isinstance(model, fx.GraphModule):
        paths = [str(node.target) for node in model.graph.nodes if node.op == "call_module"]
    else:
        paths = [path for path, _ in model.named_modules()]
    modules = {path: model.get_submodule(path) for path in paths}
    return {
        path.removesuffix(".norm"): module
        for path, module in modules.items()
        if isinstance(module, Normalizer)
    }


class _Tracer(fx.Tracer):
    """Normalizers stay whole, also those defined outside torch."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, _BatchNorm) or super().is_leaf_module(m, module_qualified_name)


def _swap(model: fx.GraphModule, method: str, micro_batch: int | None, options: Any) -> None:
    """Replace the layers, and take their output as the first of two in the graph."""
    for path, module in list(model.named_modules()):
        if isinstance(module, _BatchNorm):
            norm = _replacement(
                module, build_norm(method, module.num_features, micro_batch=micro_batch, **options)
            )
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, norm)
    for node in list(model.graph.nodes):
        if _normalizer(node, model) is not None:
            if node.kwargs:
                node.args, node.kwargs = tuple(node.kwargs.values()), {}
            with model.graph.inserting_after(node):
                y = model.graph.call_function(operator.getitem, (node, 0))
            node.replace_all_uses_with(y, delete_user_cb=lambda user, y=y: user is not y)


def _replacement(old: _BatchNorm, norm: Normalizer) -> Normalizer:
    """Move what the old layer learned and stored into the new one."""
    norm.weight, norm.bias, norm.eps = old.weight, old.bias, old.eps
    if isinstance(norm, BatchStatistics):
        norm.momentum = old.momentum
        if old.running_mean is not None and old.running_var is not None:
            norm.running_mean, norm.running_var = old.running_mean, old.running_var
            norm.num_batches_tracked.copy_(old.num_batches_tracked)
    if old.weight is not None:
        norm.to(old.weight.device, old.weight.dtype)
    return norm.train(old.training)


def _normalizer(node: fx.Node, model: nn.Module) -> Normalizer | None:
    if node.op != "call_module":
        return None
    module = model.get_submodule(str(node.target))
    return module if isinstance(module, Normalizer) else None


class _Lost:
    """A belief that ended at an operation without a rule."""

    def __init__(self, operation: str):
        self.operation = operation


class _Weaver:
    """Adds the rules on the way from each normalizer to the next to the graph of a model.

    `ways` says for every node how its belief comes about: the node of the normalizer where it
    begins, the Step of a rule, _Lost, or None where there never was one.
    """

    def __init__(self, model: fx.GraphModule):
        self.model = model
        self.graph = model.graph
        self.ways: dict[fx.Node, fx.Node | Step | _Lost | None] = {}
        self.carried: dict[fx.Node, fx.Node] = {}  # activations -> their belief

    def weave(self) -> None:
        nodes = list(self.graph.nodes)
        for node in nodes:
            self.ways[node] = self.way(node)
        norms = [node for node in nodes if _normalizer(node, self.model) is not None]
        self.warn(norms)
        needed = self.needed(nodes, norms)
        for node in nodes:
            if node in needed:
                self.carried[node] = self.emit(node)
            if node in norms and node.args[0] in self.carried:
                with self.graph.inserting_before(node):
                    prior = self.rule("arrive_" + node.name, Arrive(), self.carried[node.args[0]])
                node.args = (node.args[0], prior)

    def way(self, node: fx.Node) -> fx.Node | Step | _Lost | None:
        if node.target is operator.getitem and _normalizer(node.args[0], self.model) is not None:
            return node.args[0]
        if _normalizer(node, self.model) is not None or node.op in ("placeholder", "get_attr"):
            return None
        step = read(node, self.model)
        sources = node.all_input_nodes if step is None else step.sources
        ways = [self.ways[source] for source in sources]
        lost = [way for way in ways if isinstance(way, _Lost)]
        if lost:
            return lost[0]
        if step is None:
            return _Lost(_words(node, self.model)) if any(ways) else None
        return step if all(ways) else None

    def warn(self, norms: list[fx.Node]) -> None:
        """Say once which layers have no prior, and through which operations."""
        lost = {
            str(norm.target): way.operation
            for norm in norms
            if isinstance(way := self.ways[norm.args[0]], _Lost)
        }
        if lost:
            operations = ", ".join(dict.fromkeys(lost.values()))
            warnings.warn(
                f"no moment rule for {operations}: these layers get no prior and trust their "
                f"batch: {', '.join(lost)}",
                UserWarning,
                stacklevel=4,
            )

    def needed(self, nodes: list[fx.Node], norms: list[fx.Node]) -> set[fx.Node]:
        """The activations whose belief some normalizer consumes."""
        needed = {norm.args[0] for norm in norms}
        for node in reversed(nodes):
            way = self.ways[node]
            if node in needed and isinstance(way, Step):
                needed.update(way.sources)
        return {node for node in needed if isinstance(self.ways[node], fx.Node | Step)}

    def emit(self, node: fx.Node) -> fx.Node:
        """Put the rule of an operation behind it."""
        way = self.ways[node]
        if isinstance(way, fx.Node):
            with self.graph.inserting_after(node):
                belief = self.graph.call_function(operator.getitem, (way, 1))
            with self.graph.inserting_after(belief):
                return self.graph.call_module(f"{way.target}.transition", (belief,))
        with self.graph.inserting_before(node.next):
            carried = [self.carried[source] for source in way.sources]
            if len(carried) > 1:
                return self.rule(node.name, way.rule, *carried)
            weights = [
                self.graph.get_attr(weight) if isinstance(weight, str) else weight
                for weight in way.weights
            ]
            return self.rule(node.name, way.rule, carried[0], way.sources[0], *weights)

    def rule(self, name: str, rule: nn.Module, *args: fx.Node | None) -> fx.Node:
        self.model.add_submodule(f"{RULES}.{name}", rule)
        return self.graph.call_module(f"{RULES}.{name}", args)


def _words(node: fx.Node, model: nn.Module) -> str:
    """An operation as people know it."""
    if node.op == "call_module":
        return f"{type(model.get_submodule(str(node.target))).__name__} ({node.target})"
    return getattr(node.target, "__name__", str(node.target))
