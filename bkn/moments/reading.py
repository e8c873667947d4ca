"""Which moment rule belongs to which operation of a traced network."""

from typing import Any

from torch import fx, nn

from bkn.moments.read_calls import FUNCTIONS, METHODS
from bkn.moments.read_modules import MODULES
from bkn.moments.steps import Step


def read(node: fx.Node, root: nn.Module) -> Step | None:
    """The step of a node; None if there is no rule for it."""
    if node.op == "call_module":
        module = root.get_submodule(str(node.target))
        for kind, reader in MODULES.items():
            if isinstance(module, kind) and not _departs(module, kind):
                return reader(node, module)
        return None
    table = {"call_function": FUNCTIONS, "call_method": METHODS}.get(node.op, {})
    call = table.get(node.target)
    return None if call is None else call(node)


def _departs(module: nn.Module, kinds: Any) -> bool:
    """Whether a subclass computes something else than the layer that the rule is about."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    return all(type(module).forward is not kind.forward for kind in kinds)
