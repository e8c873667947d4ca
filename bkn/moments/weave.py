"""Give any traceable network other normalizers, and weave the beliefs between them into it.

`convert` swaps every nn.BatchNorm layer. For methods that use a prior it also follows each
normalizer's belief through the operations behind it: for every operation on the way to the next
normalizer the operation's moment rule is called right after it, so that the converted model is
plain generated code that carries beliefs beside the activations.
"""

import copy
import operator
from typing import Any

from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.cards import pick
from bkn.catalog import METHODS
from bkn.moments.weaver import Weaver, normalizer_of
from bkn.normalizers.base import BatchStatistics, Normalizer
from bkn.normalizers.build import build_norm

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
        Weaver(converted).weave()
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
    norms: dict[nn.Module, Normalizer] = {}  # a layer used under two names stays one layer
    for path, module in list(model.named_modules(remove_duplicate=False)):
        if isinstance(module, _BatchNorm):
            if module not in norms:
                norm = build_norm(method, module.num_features, micro_batch=micro_batch, **options)
                norms[module] = _replacement(module, norm)
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, norms[module])
    for node in list(model.graph.nodes):
        if normalizer_of(node, model) is not None:
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
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            if getattr(old, name) is not None:
                setattr(norm, name, getattr(old, name))
    if old.weight is not None:
        norm.to(old.weight.device, old.weight.dtype)
    return norm.train(old.training)
