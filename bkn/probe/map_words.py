"""Operations of a traced network in words: their kind and their title."""

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from bkn.normalizers.base import Normalizer
from bkn.surgery.network import ACTIVATION_CALLS, ACTIVATION_MODULES, ADDITIONS

POOLS = (
    nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._AdaptiveAvgPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd,
)  # fmt: skip
PRODUCTS = {operator.mul, operator.imul, torch.mul, "mul", "mul_"}
JOINTS = {torch.cat, torch.concat, torch.concatenate}
SHAPES = {
    torch.flatten, "flatten", "view", "reshape", torch.reshape, "permute", "transpose",
    torch.transpose, torch.permute, "contiguous", "chunk", torch.chunk, "squeeze", torch.squeeze,
    "unsqueeze", torch.unsqueeze, F.pad, "split", torch.split,
}  # fmt: skip


def kind_of(node: fx.Node, module: nn.Module | None) -> str:
    """What an operation is, of the kinds that the map draws."""
    if node.op in ("placeholder", "output"):
        return "input" if node.op == "placeholder" else "output"
    if module is not None:
        return _kind_of_module(module)
    target, name = node.target, _name(node)
    if target in ADDITIONS:
        return "add"
    if target in PRODUCTS:
        return "multiply"
    if target in JOINTS:
        return "cat"
    if target in SHAPES:
        return "shape"
    if target in ACTIVATION_CALLS:
        return "activation"
    if "pool" in name or name == "mean":
        return "pool"
    return "dropout" if "dropout" in name else "other"


def _kind_of_module(module: nn.Module) -> str:
    kinds: tuple[tuple[Any, str], ...] = (
        (Normalizer, "norm"),
        (nn.modules.conv._ConvNd, "conv"),
        (nn.Linear, "linear"),
        (ACTIVATION_MODULES, "activation"),
        (POOLS, "pool"),
        ((nn.Flatten, nn.Unflatten), "shape"),
        (nn.modules.dropout._DropoutNd, "dropout"),
    )
    return next((kind for classes, kind in kinds if isinstance(module, classes)), "other")


def title_of(node: fx.Node, module: nn.Module | None) -> str:
    """An operation as people say it: "3x3 conv, 32, stride 2"."""
    kind = kind_of(node, module)
    words = {"input": "images", "output": "output", "add": "sum", "multiply": "product",
             "cat": "side by side", "norm": "normalizer"}  # fmt: skip
    if kind in words:
        return words[kind]
    if isinstance(module, nn.modules.conv._ConvNd):
        return _conv(module)
    if isinstance(module, nn.Linear):
        return f"linear, {module.out_features}"
    if module is not None:
        size = getattr(module, "kernel_size", None)
        name = type(module).__name__
        return f"{name} {_times(size)}" if kind == "pool" and size is not None else name
    if node.target in ACTIVATION_CALLS:
        return ACTIVATION_CALLS[node.target].__name__
    return "average over all places" if _name(node) == "mean" else _name(node).replace("_", " ")


def _conv(conv: nn.modules.conv._ConvNd) -> str:
    parts = [f"{_times(conv.kernel_size)} conv", str(conv.out_channels)]
    if conv.groups == conv.in_channels > 1:
        parts[0] = f"{_times(conv.kernel_size)} depthwise conv"
    elif conv.groups > 1:
        parts.append(f"{conv.groups} groups")
    if any(step > 1 for step in conv.stride):
        parts.append(f"stride {_steps(conv.stride)}")
    if any(step > 1 for step in conv.dilation):
        parts.append(f"dilation {_steps(conv.dilation)}")
    return ", ".join(parts)


def _times(size: Any) -> str:
    return "x".join(map(str, size)) if isinstance(size, tuple) else f"{size}x{size}"


def _steps(size: tuple[int, ...]) -> str:
    return str(size[0]) if len(set(size)) == 1 else _times(size)


def _name(node: fx.Node) -> str:
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
