"""Initial weights that keep the scale of activations through ReLU layers.

Paper: He, Zhang, Ren & Sun (2015), https://arxiv.org/abs/1502.01852
"""

from torch import nn


def he_init(model: nn.Module) -> None:
    """Draw the weights of all convolutions and linear layers in place; biases become 0."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def conv3x3(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size, or halves it; the norm behind it has the bias."""
    return nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)


def check_size(size: tuple[int, int], **numbers: int) -> None:
    """Raise ValueError, naming the number, unless size and all numbers are at least 1."""
    for name, value in {"height": size[0], "width of the image": size[1], **numbers}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
