"""Which moment rule belongs to which operation of a traced network."""

from typing import Any

from torch import fx, nn

from bkn.moments.read_calls import FUNCTIONS, METHODS
from bkn.moments.read_modules import MODULES
from bkn.moments.steps import CONSTANT, Step


def read(node: fx.Node, root: nn.Module) -> Step | None:
    """The step of a node; None if there is no rule for it."""
    if node.op == "call_module":
        module = root.get_submodule(str(node.target))
        for kind, reader in MODULES.items():
            if isinstance(module, kind) and not _departs(module, kind):
                return reader(node, module)
        return None
    if node.op == "call_method":
        call = METHODS.get(node.target)
    elif node.op == "call_function":
        call = FUNCTIONS.get(node.target) or FUNCTIONS.get(_name(node.target))
    else:
        call = None
    return None if call is None else call(node)


def mark_constants(graph: fx.Graph) -> None:
    """Mark the nodes whose value depends on no activations but by their shapes."""
    for node in graph.nodes:
        node.meta[CONSTANT] = _is_constant(node)


def _is_constant(node: fx.Node) -> bool:
    if node.op == "get_attr" or _asks_for_shape(node):
        return True
    if node.op == "call_module":
        return not node.all_input_nodes
    inner = node.op in ("call_function", "call_method")
    return inner and all(source.meta[CONSTANT] for source in node.all_input_nodes)


def _asks_for_shape(node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target in ("size", "dim", "ndimension", "numel", "stride", "get_device")
    asked = node.args[1:] if node.target is getattr else ()
    return asked in (("shape",), ("ndim",), ("dtype",), ("device",))


def _name(function: Any) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"


def _departs(module: nn.Module, kinds: Any) -> bool:
    """Whether a subclass computes something else than the layer that the rule is about."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    return all(type(module).forward is not kind.forward for kind in kinds)
