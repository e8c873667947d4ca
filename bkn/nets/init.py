"""Initial weights that keep the variance of activations at 1 from layer to layer.

Paper: He, Zhang, Ren & Sun (2015), https://arxiv.org/abs/1502.01852

A layer behind a ReLU sees half the power, so its weights have variance 2 / fan-in. The first layer
sees the standardized images themselves: 1 / fan-in. With variance 1 everywhere, what a Kalman
layer predicts from the moments below and what it observes start out on the same scale.
"""

import math

from torch import nn


def unit_variance_init(model: nn.Module) -> None:
    """Draw the weights in front of the norms in place: those of all layers without a bias.

    The classifier, with no norm behind it, keeps what PyTorch gives it, as in torchvision's
    networks.
    """
    power = 1.0  # of the first layer's input; behind a ReLU it is one half
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is None:
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, 0.0, math.sqrt(1 / (power * fan_in)))
            power = 0.5


def conv3x3(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size, or halves it; the norm behind it has the bias."""
    return nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)


def check_size(size: tuple[int, int], **numbers: int) -> None:
    """Raise ValueError, naming the number, unless size and all numbers are at least 1."""
    for name, value in {"height": size[0], "width of the image": size[1], **numbers}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
