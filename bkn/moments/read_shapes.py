"""Readers of reshapes, transposes, cuts, padding and concatenation."""

import operator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx

from bkn.moments.joins import Concat
from bkn.moments.shape import (
    Moved,
    Padded,
    Part,
    Permuted,
    Rearranged,
    flattened,
    viewed,
)
from bkn.moments.steps import Reader, Step, argument, numbers, simple, unary


def flatten(node: fx.Node) -> Step | None:
    """Some axes as one."""
    start, end = argument(node, 1, "start_dim", 0), argument(node, 2, "end_dim", -1)
    return unary(Rearranged(partial(flattened, start=start, end=end)), node)


def view(node: fx.Node) -> Step | None:
    """A new shape, its sizes numbers or read from activations."""
    sizes = node.args[1:] or tuple(node.kwargs.get(name) for name in ("size", "shape"))
    wanted = tuple(size for size in sizes if size is not None)
    if not wanted or any(isinstance(size, torch.dtype) for size in wanted):
        return None
    return unary(Rearranged(viewed), node, *wanted)


def squeeze(node: fx.Node) -> Step | None:
    """Axes of one place away."""
    dims = argument(node, 1, "dim")
    if dims is None or not numbers(dims):
        return None
    dims = (dims,) if isinstance(dims, int) else dims

    def shape(x: Tensor) -> list[int]:
        gone = {dim % x.dim() for dim in dims}
        return [size for axis, size in enumerate(x.shape) if axis not in gone or size > 1]

    return unary(Rearranged(shape), node)


def unsqueeze(node: fx.Node) -> Step | None:
    """One more axis, of one place."""
    dim = argument(node, 1, "dim")

    def shape(x: Tensor) -> list[int]:
        at = dim % (x.dim() + 1)
        return [*x.shape[:at], 1, *x.shape[at:]]

    return unary(Rearranged(shape), node) if isinstance(dim, int) else None


def transpose(node: fx.Node) -> Step | None:
    """Two axes exchanged."""
    one, other = argument(node, 1, "dim0"), argument(node, 2, "dim1")
    if not isinstance(one, int) or not isinstance(other, int):
        return None

    def order(axes: int) -> list[int]:
        exchanged = list(range(axes))
        exchanged[one], exchanged[other] = exchanged[other], exchanged[one]
        return exchanged

    return unary(Permuted(order), node)


def permute(node: fx.Node) -> Step | None:
    """All axes in another order."""
    dims: Any = node.args[1:] or (node.kwargs.get("dims"),)
    dims = dims[0] if isinstance(dims[0], list | tuple) else dims
    if not dims or not numbers(dims):
        return None
    return unary(Permuted(lambda axes: [dim % axes for dim in dims]), node)


def item(node: fx.Node) -> Step | None:
    """One of the parts that an axis was cut into, or a slice."""
    source = node.args[0]
    key: Any = node.args[1]
    if not isinstance(source, fx.Node):
        return None
    if isinstance(key, int):
        cutting = CUTS.get(source.target)
        return None if cutting is None else cutting(source, key)
    keys: tuple[Any, ...] = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(one, slice) and numbers(one.start, one.stop, one.step) for one in keys):
        return None
    images, *channels = keys
    if images != slice(None):
        return None
    if len(channels) < 2:
        kept = channels[0] if channels else slice(None)
        return unary(Part(lambda x, dim: x[(slice(None),) * dim + (kept,)], 1), node)
    if channels[0] != slice(None):
        return None
    return unary(Moved(lambda x: x[keys]), node)


def parts(node: fx.Node, index: int, name: str) -> Step | None:
    """One of the chunks of an axis."""
    dim, cut = argument(node, 2, "dim", 0), CUTTERS[name]
    sizes = argument(node, 1, SIZES[name])
    if not numbers(sizes, dim):
        return None
    return unary(Part(lambda x, at: cut(x, sizes, at)[index], dim), node)


SIZES = {"chunk": "chunks", "split": "split_size_or_sections", "tensor_split": "sections"}
CUTTERS: dict[str, Any] = {
    "chunk": torch.chunk, "split": torch.split, "tensor_split": torch.tensor_split
}  # fmt: skip
CUTS: dict[Any, Any] = {
    key: partial(parts, name=name) for name, cut in CUTTERS.items() for key in (name, cut)
}


def pad(node: fx.Node) -> Step | None:
    """A constant around channels or places, or copies of places."""
    widths, mode = argument(node, 1, "pad"), argument(node, 2, "mode", "constant")
    value = argument(node, 3, "value")
    if not numbers(widths, value):
        return None
    if mode == "constant":
        return unary(Padded(widths, value or 0.0), node)
    return unary(Moved(lambda x: F.pad(x, tuple(widths), mode)), node)


def concat(node: fx.Node) -> Step | None:
    """Side by side."""
    tensors, dim = argument(node, 0, "tensors"), argument(node, 1, "dim", 0)
    if not isinstance(tensors, list | tuple) or not isinstance(dim, int):
        return None
    nodes = all(isinstance(one, fx.Node) for one in tensors)
    return Step(Concat(dim), tuple(tensors)) if nodes else None


FUNCTIONS: dict[Any, Reader] = {
    torch.cat: concat, torch.concat: concat, torch.flatten: flatten, torch.reshape: view,
    torch.transpose: transpose, torch.permute: permute, torch.squeeze: squeeze,
    torch.unsqueeze: unsqueeze, operator.getitem: item, F.pad: pad,
}  # fmt: skip

METHODS: dict[Any, Reader] = {
    "flatten": flatten, "view": view, "reshape": view, "transpose": transpose,
    "permute": permute, "squeeze": squeeze, "unsqueeze": unsqueeze,
    "contiguous": simple(Moved), "clone": simple(Moved),
}  # fmt: skip
