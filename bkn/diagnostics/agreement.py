"""Do the parts of a kernel's gradient agree in sign, or do they cancel?

Bjorck et al. 2018, https://arxiv.org/abs/1806.02375: the gradient of a kernel entry is
a sum of d = (gradient at an output) x (input below it) over all images and places. A = mean |sum d|
is what is left of it, B = mean sum |d| what went in, both means over the kernel's entries. B / A
is 1 if all agree and grows like the root of their number if signs are random. Where beliefs go
through the weights too (Kalman), their gradient has a further part, which is not in these sums.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from bkn.diagnostics.subject import Subject

Row = dict[str, Any]
WeightLayer = _ConvNd | nn.Linear
KINDS: tuple[type[WeightLayer], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def weight_layers(model: nn.Module) -> dict[str, WeightLayer]:
    """Convolutions and linear layers by path: those that multiply their input by their weight.

    A layer that does something of its own on the way (binary convolutions) is not among them.
    """
    return {
        path: module
        for path, module in model.named_modules()
        for kind in KINDS
        if isinstance(module, kind) and type(module).forward is kind.forward
    }


def sign_agreement(subject: Subject) -> list[Row]:
    """One row per weight layer: `layer`, `summed` (A), `absolute` (B) and their `ratio` B / A.

    `terms` is the number of parts in a sum: images times places. The ratio is infinite where
    nothing is left of the sums, not a number where nothing went in.
    """
    layers = weight_layers(subject.model)
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {path: [] for path in layers}

    def watch(path: str) -> Any:
        def hook(layer: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
            x = args[0].detach()
            output.register_hook(lambda gradient: parts[path].append((x, gradient)))

        return hook

    subject.watched_by({layer: watch(path) for path, layer in layers.items()})
    return [{"layer": path, **agreement(layers[path], parts[path])} for path in layers]


def agreement(layer: WeightLayer, parts: list[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """A, B, their ratio and the number of terms of one layer.

    The sum of |d| is the gradient once more, of absolute inputs and absolute output gradients; so
    no patch is ever unfolded and the memory is that of one backward pass through the layer.

    Args:
        layer: a convolution or linear layer.
        parts: (input, gradient at the output) of every use of the layer.
    """
    left = sum(sum_of_products(layer, x, g) for x, g in parts)
    absolute = sum(sum_of_products(layer, x.abs(), g.abs()) for x, g in parts)
    a, b = torch.as_tensor(left).abs().mean(), torch.as_tensor(absolute).mean()
    channels = layer.weight.shape[0]
    terms = sum(g.numel() // channels for _, g in parts)
    return {"summed": a.item(), "absolute": b.item(), "ratio": (b / a).item(), "terms": terms}


def sum_of_products(layer: WeightLayer, x: Tensor, g: Tensor) -> Tensor:
    """Sum over images and places of g times the input below, for every entry of the weight."""
    weight = torch.zeros_like(layer.weight, dtype=x.dtype).requires_grad_()
    with torch.enable_grad():
        y = (
            F.linear(x, weight)
            if isinstance(layer, nn.Linear)
            else layer._conv_forward(x, weight, None)
        )
    return torch.autograd.grad(y, weight, g)[0]
