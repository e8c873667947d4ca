"""What only training's output needs, such as auxiliary heads, does not run in evaluation.

A traced model computes the outputs of both modes and chooses (tracing.py). A head may be slow, or
not even defined on pictures that evaluation is fine with. So what leads to training's output alone
is called through modules that ask for the mode first.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import fx, nn

CHOICE, SPARED = "by_mode", "spared"  # paths in the model


class Spared(nn.Module):
    """Calls something in training; None in evaluation.

    A module that it calls stays registered where it was, so names in the state_dict do not change.

    Args:
        does: what is called.
        path: of the module, "" for a function.
    """

    def __init__(self, does: Callable[..., Any], path: str = ""):
        super().__init__()
        self.path = path
        self.does = (does,)  # a tuple, so that torch registers nothing

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.does[0](*args, **kwargs) if self.training else None

    def extra_repr(self) -> str:
        return self.path or str(self.does[0])


def spare_evaluation(model: fx.GraphModule) -> None:
    """Let evaluation skip what its output does not depend on, if the modes have their own."""
    choices = [node for node in model.graph.nodes if node.target == CHOICE]
    for choice in choices:
        training, evaluation = choice.args
        for node in upstream(training) - upstream(evaluation):
            _spare(model, node)


def real(module: nn.Module) -> nn.Module:
    """The module that does the work."""
    does = module.does[0] if isinstance(module, Spared) else module
    return does if isinstance(does, nn.Module) else module


def _spare(model: fx.GraphModule, node: fx.Node) -> None:
    target = str(node.target)
    if node.op == "call_module":
        spared = Spared(model.get_submodule(target), target)
    elif node.op == "call_function":
        assert callable(node.target)
        spared = Spared(node.target)
    elif node.op == "call_method":
        spared = Spared(partial(_call_method, target))
    else:  # parameters and inputs, which cost nothing
        return
    node.op, node.target = "call_module", f"{SPARED}.{node.name}"
    model.add_submodule(str(node.target), spared.train(model.training))


def _call_method(name: str, x: Any, *args: Any, **kwargs: Any) -> Any:
    return getattr(x, name)(*args, **kwargs)


def upstream(output: Any) -> set[fx.Node]:
    """The nodes that an output, of nodes in any nesting, depends on, its own too."""
    open_ends: list[fx.Node] = []
    fx.node.map_arg(output, open_ends.append)
    found: set[fx.Node] = set()
    while open_ends:
        node = open_ends.pop()
        if node not in found:
            found.add(node)
            open_ends.extend(node.all_input_nodes)
    return found
