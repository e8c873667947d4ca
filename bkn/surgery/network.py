"""A traced network under surgery: where its normalizers, weight layers and activations are.

All changes go through this class, so that the graph, the modules and the names in the state_dict
stay in step. Placements (placement.py, and those of methods that need their own) are written with
it.
"""

import copy
import operator
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.normalizers.base import Normalizer
from bkn.surgery.sparing import real, spare_evaluation
from bkn.surgery.tracing import trace

UNTRACEABLE = (
    fx.proxy.TraceError, TypeError, ValueError, RuntimeError, AttributeError, IndexError, KeyError,
)  # fmt: skip
ACTIVATION_MODULES = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.SiLU, nn.GELU, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid,
    nn.Tanh, nn.ELU, nn.SELU, nn.CELU, nn.Mish, nn.Softplus, nn.Hardtanh, nn.PReLU,
)  # fmt: skip
ACTIVATION_CALLS: dict[Any, type[nn.Module]] = {
    F.relu: nn.ReLU, torch.relu: nn.ReLU, "relu": nn.ReLU, "relu_": nn.ReLU, F.relu6: nn.ReLU6,
    F.silu: nn.SiLU, F.gelu: nn.GELU, F.hardswish: nn.Hardswish, torch.sigmoid: nn.Sigmoid,
    torch.tanh: nn.Tanh, torch.relu_: nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
    F.leaky_relu: nn.LeakyReLU, F.elu: nn.ELU, F.selu: nn.SELU, F.celu: nn.CELU, F.mish: nn.Mish,
    F.hardsigmoid: nn.Hardsigmoid, F.hardtanh: nn.Hardtanh,
}  # fmt: skip
ADDITIONS = {operator.add, operator.iadd, torch.add, "add", "add_"}


class Network:
    """A copy of a model as graph and modules.

    Args:
        model: any network that torch.fx can trace; stays as it is.

    Raises:
        ValueError: for a model without BatchNorm layers, or one that cannot be traced.
    """

    def __init__(self, model: nn.Module):
        name = type(model).__name__
        if isinstance(model, _BatchNorm):
            raise ValueError(
                f"model must be a network with layers in it, got a lone {name}; bkn.build_norm "
                "makes single layers"
            )
        if not any(isinstance(module, _BatchNorm) for module in model.modules()):
            raise ValueError(
                f"{name} has no nn.BatchNorm layer to convert; give it nn.BatchNorm layers where "
                "the normalizers shall stand"
            )
        try:
            model = copy.deepcopy(model)
        except RuntimeError as error:  # e.g. weights that are computed from others by old hooks
            raise ValueError(f"{name} cannot be copied: {error}") from error
        try:
            self.graph = trace(model)
        except UNTRACEABLE as error:
            raise ValueError(
                f"{name} cannot be traced by torch.fx: {error}; write its forward without what "
                "depends on the values or the number of the inputs"
            ) from error
        self.model = fx.GraphModule(model, self.graph, name)

    def module(self, node: object) -> nn.Module | None:
        """The module that a node calls."""
        if not isinstance(node, fx.Node) or node.op != "call_module":
            return None
        return self.model.get_submodule(str(node.target))

    def nodes(self, kind: Any) -> list[fx.Node]:
        """The nodes that call modules of a kind, in order of execution."""
        return [node for node in self.graph.nodes if isinstance(self.module(node), kind)]

    def batch_norms(self) -> list[fx.Node]:
        """The layers that are to be replaced."""
        return self.nodes(_BatchNorm)

    def untracked(self) -> list[str]:
        """Names of the layers without running averages."""
        norms = [(str(node.target), self.module(node)) for node in self.batch_norms()]
        return [path for path, norm in norms if getattr(norm, "running_mean", None) is None]

    def weight_layers(self) -> list[fx.Node]:
        """Convolutions and linear layers, in order of execution."""
        return self.nodes((nn.modules.conv._ConvNd, nn.Linear))

    def hidden_weight_layers(self) -> list[fx.Node]:
        """All weight layers but the classifier: those with another one behind them."""
        layers = self.weight_layers()
        return [node for node in layers if not self.dependants(node).isdisjoint(layers)]

    def dependants(self, node: fx.Node) -> set[fx.Node]:
        """Everything that depends on a node."""
        found: set[fx.Node] = set()
        open_ends = [node]
        while open_ends:
            for user in open_ends.pop().users:
                if user not in found:
                    found.add(user)
                    open_ends.append(user)
        return found

    def feeding(self, node: fx.Node) -> fx.Node | None:
        """The weight layer whose output goes straight, and only, into a node."""
        source = next(iter(node.all_input_nodes), None)
        if source is None or len(source.users) != 1:
            return None
        return source if source in self.weight_layers() else None

    def activation_behind(self, node: fx.Node) -> fx.Node | None:
        """The activation that is the only user of a node's output."""
        if len(node.users) != 1:
            return None
        (user,) = node.users
        return user if self.activation(user) is not None else None

    def activation(self, node: fx.Node) -> nn.Module | None:
        """The activation function of a node as a module, None if it is something else."""
        module = self.module(node)
        if module is not None:
            return module if isinstance(module, ACTIVATION_MODULES) else None
        kind = ACTIVATION_CALLS.get(node.target) if node.op.startswith("call") else None
        settings = {k: v for k, v in node.kwargs.items() if k not in ("input", "inplace")}
        return None if kind is None else kind(**settings)

    def additions(self) -> list[fx.Node]:
        """Sums of two activations: where branches and shortcuts meet."""
        return [
            node
            for node in self.graph.nodes
            if node.target in ADDITIONS and len(node.all_input_nodes) == 2
        ]

    def paths(self, module: nn.Module) -> list[str]:
        """All names of a module; a layer used under two names stays one layer."""
        return [p for p, m in self.model.named_modules(remove_duplicate=False) if m is module]

    def put(self, path: str, module: nn.Module) -> None:
        """Set the module at a path, in place of what is there."""
        parent, _, name = path.rpartition(".")
        setattr(self.model.get_submodule(parent), name, module)

    def free_path(self, path: str) -> str:
        """The path itself, or with a number behind it if something is there already."""
        taken = {name for name, _ in self.model.named_modules()}
        names = (f"{path}{number or ''}" for number in range(len(taken) + 1))
        return next(name for name in names if name not in taken)

    def normalize_at(self, node: fx.Node) -> fx.Node:
        """Make a node that calls a normalizer use the first of its two outputs.

        Returns:
            The node of the normalized activations.
        """
        if node.kwargs:
            node.args, node.kwargs = tuple(node.kwargs.values()), {}
        with self.graph.inserting_after(node):
            y = self.graph.call_function(operator.getitem, (node, 0))
        node.replace_all_uses_with(y, delete_user_cb=lambda user: user is not y)
        return y

    def call_before(self, node: fx.Node, path: str, module: nn.Module) -> fx.Node:
        """Let a new module act on a node's input; returns the node of the call."""
        self.model.add_submodule(path, module)
        source = _source(node)
        with self.graph.inserting_before(node):
            call = self.graph.call_module(path, (source,))
        node.replace_input_with(source, call)
        return call

    def call_behind(self, node: fx.Node, path: str, module: nn.Module) -> fx.Node:
        """Let a new module act on a node's output, for all its users; returns its node."""
        self.model.add_submodule(path, module)
        with self.graph.inserting_after(node):
            call = self.graph.call_module(path, (node,))
        node.replace_all_uses_with(call, delete_user_cb=lambda user: user is not call)
        return call

    def skip(self, node: fx.Node) -> None:
        """Take a node out; its users get its first input."""
        node.replace_all_uses_with(_source(node))
        self.graph.erase_node(node)

    def drop_unused(self) -> None:
        """Delete modules that nothing calls any more, so that their names are free.

        Names, to be exact: a module that a normalizer took over goes under its old name, too,
        which torch's own delete_all_unused_submodules overlooks.
        """
        used: set[str] = {""}
        for node in self.graph.nodes:
            if node.op in ("call_module", "get_attr"):
                path = str(node.target)
                used |= {path[:end] for end in range(len(path)) if path[end] == "."}
            if node.op == "call_module":
                inside = self.model.get_submodule(path).named_modules(remove_duplicate=False)
                used |= {f"{path}.{name}".rstrip(".") for name, _ in inside}
        for name, _ in list(self.model.named_modules(remove_duplicate=False)):
            if name not in used:
                self.model.delete_submodule(name)

    def finish(self) -> fx.GraphModule:
        """The model with its new graph as code, without the modules nothing calls any more."""
        self.drop_unused()
        spare_evaluation(self.model)
        self.graph.lint()
        self.model.recompile()
        return self.model


def _source(node: fx.Node) -> fx.Node:
    """What goes into a node first, whether it is given by place or by name."""
    return node.all_input_nodes[0]


def normalizers(model: fx.GraphModule) -> Iterator[tuple[str, Normalizer]]:
    """Path and normalizer in order of execution."""
    for node in model.graph.nodes:
        if node.op == "call_module":
            module = model.get_submodule(str(node.target))
            if isinstance(does := real(module), Normalizer):
                yield getattr(module, "path", str(node.target)), does
