"""Batch normalization preconditioning: normalize the gradient, not the activations.

Paper: Lange, Helfrich & Ye (2022), https://arxiv.org/abs/2108.01110

Batch norm makes training easier because the layer above sees inputs of mean 0 and variance 1. The
same steps can be had without it: a gradient step on the weights for normalized inputs, written in
the weights for the inputs as they are, is a gradient that was multiplied by a known matrix. So the
network has no normalization at all, and its gradients are transformed before the optimizer sees
them.
"""

from typing import Any

import torch
from torch import Tensor, nn

from bkn.normalizers.base import Belief
from bkn.normalizers.filtering import update
from bkn.normalizers.hooks import Hooked
from bkn.normalizers.identity import Identity
from bkn.normalizers.kernels import at_least_float32


def precondition(
    weight: Tensor, bias: Tensor, mean: Tensor, divisor: Tensor, groups: int = 1
) -> tuple[Tensor, Tensor]:
    """The step on a layer of normalized inputs, in the coordinates of the inputs as they are.

    With P = [[1, -mean'/s], [0, diag(1/s)]], s^2 = divisor, and g the gradient, this is P P' g:
    what plain gradient descent does to W = V / s, b = a - V (mean / s) when it moves (a, V) and
    the statistics stand still. All taps of a kernel share the statistics of their channel.

    Args:
        weight, bias: gradients (out, in / groups, ...) and (out,).
        mean, divisor: of the layer's inputs, (in,).
        groups: of a convolution.

    Returns:
        What takes the gradients' place.
    """
    out, shape = len(bias), weight.shape
    grouped = weight.reshape(groups, out // groups, shape[1], -1)  # (groups, out, in, taps)
    mean, divisor = (part.view(groups, 1, shape[1], 1) for part in (mean, divisor))
    step = (grouped - bias.view(groups, -1, 1, 1) * mean) / divisor
    return step.reshape(shape), bias - (step * mean).sum((2, 3)).view(out)


class InputStatistics(Hooked):
    """Watches the inputs of one weight layer and preconditions its gradients.

    Mean and variance per input channel over all images and places of a training step go into
    moving averages, which nothing is differentiated through. The averages describe the mixture of
    all steps so far, the newest with the greatest share: the variance between steps counts too, so
    that steps of a single image are enough.

    Args:
        path: of the layer in the model.
        channels: of its inputs.
        groups: of a convolution.
        axis: of the inputs that holds the channels.
        rho: share of what was before in the averages, once there are many steps.
        e1: of the greatest variance of the layer, added to every variance.
        e2: added to every variance; no gradient grows by more than 1 / e2.
    """

    mean: Tensor
    var: Tensor
    steps: Tensor
    values: Tensor

    def __init__(
        self, path: str, channels: int, groups: int, axis: int, rho: float, e1: float, e2: float
    ):
        super().__init__()
        self.path, self.groups, self.axis = path, groups, axis
        self.rho, self.e1, self.e2 = rho, e1, e2
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("values", torch.tensor(0))  # per statistic, in the last step

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.record(x)
        return x

    @torch.no_grad()
    def record(self, x: Tensor) -> None:
        """Move the averages towards the inputs x of a step, whatever its micro-batches are."""
        rows = at_least_float32(x).movedim(self.axis, -1).flatten(0, -2)
        var, mean = torch.var_mean(rows, 0, correction=0)
        self.steps += 1
        self.values.fill_(len(x))
        # The first step counts fully, as in an average without its bias towards the start.
        share = (1 - self.rho) / (1 - self.rho ** self.steps.to(var.dtype))
        old = Belief(self.mean, self.var)
        new = update(old, Belief(mean, var), share)
        self.mean.copy_(new.mean)
        self.var.copy_(new.var)

    def before_step(self, model: nn.Module) -> None:
        """Transform the gradients of the layer's weight and bias."""
        layer: Any = model.get_submodule(self.path)
        weight, bias = layer.weight.grad, layer.bias.grad
        if weight is None or bias is None or not self.steps:
            return
        # More inputs than values make the normalized problem ill-conditioned by this much.
        damping = (weight[0].numel() / self.values).clamp(min=1)
        divisor = self.var + self.e1 * self.var.max() + self.e2
        step = precondition(
            weight, bias, self.mean.to(weight.dtype), divisor.to(weight.dtype), self.groups
        )
        weight.copy_(step[0] / damping)
        bias.copy_(step[1] / damping)

    def extra_repr(self) -> str:
        return f"{self.path}, rho={self.rho}, e1={self.e1}, e2={self.e2}"


class Preconditioned(Identity):
    """Where batch norm stood; the work is done in front of the weight layers.

    Args:
        channels: C.
        rho, e1, e2: see `InputStatistics`; they are used by the placement.
        base: see `Identity`.
    """

    def __init__(
        self,
        channels: int,
        *,
        rho: float = 0.99,
        e1: float = 1e-2,
        e2: float = 0.03,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        self.rho, self.e1, self.e2 = rho, e1, e2
