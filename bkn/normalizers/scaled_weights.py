"""Scaled weight standardization: a layer's filters have mean 0 and length `gain`.

Paper: Brock, De & Smith (2021), https://arxiv.org/abs/2101.08692

Inputs of unit variance then give outputs of unit variance, whatever the inputs' mean is and
whatever training does to the weights.
"""

from typing import Any

import torch
from torch import Tensor, nn

from bkn.normalizers.clipping import clip
from bkn.normalizers.hooks import Hooked
from bkn.normalizers.kernels import at_least_float32

TINY = 1e-4  # least variance times fan-in


def standardized(weight: Tensor, gain: Tensor) -> Tensor:
    """gain * (w - mean) / sqrt(max(variance * fan-in, 1e-4)) per filter of weights (out, in, ...).

    Args:
        weight: the fan-in is the size of a filter, weight[0].
        gain: (out,).
    """
    rows = at_least_float32(weight).flatten(1)
    var, mean = torch.var_mean(rows, 1, correction=0, keepdim=True)
    scale = (var * rows.shape[1]).clamp(min=TINY).rsqrt() * gain.unsqueeze(1)
    return ((rows - mean) * scale).view_as(weight).to(weight.dtype)


class ScaledWeights(Hooked):
    """Takes the place of a layer's weight, with a gain per filter, and clips the gradients.

    Gradients of the raw weight, the gain and the layer's bias are clipped in proportion to their
    parameters before the step.

    Args:
        path: of the layer in the model.
        filters: outputs of the layer.
        clipping: see `clip`; 0 leaves gradients as they are.
    """

    def __init__(self, path: str, filters: int, clipping: float):
        super().__init__()
        self.path, self.clipping = path, clipping
        self.gain = nn.Parameter(torch.ones(filters))

    def forward(self, weight: Tensor) -> Tensor:
        return standardized(weight, self.gain)

    def before_step(self, model: nn.Module) -> None:
        """Clip the gradients."""
        layer: Any = model.get_submodule(self.path)
        for parameter in (layer.parametrizations.weight.original, self.gain, layer.bias):
            clip(parameter, self.clipping)

    def extra_repr(self) -> str:
        return f"{self.path}, clipping={self.clipping}"
