"""Classification networks of torchvision by name, made to fit the images at hand.

`bkn.nets.from_torchvision.resnet18` and its like are functions as our own networks are: of the
images' channels and size, and the classes. The weights are drawn as torchvision draws them; nothing
is downloaded. The auxiliary classifiers of GoogLeNet and Inception are left out.

These networks were drawn for long training on pictures of 224x224 and more. Some let their running
averages move by 0.01 a step, or by 0.0003 (MNASNet): after a few hundred steps these would still
be near their start, and so would the accuracy in evaluation. Here all move by 0.1, PyTorch's
default. And the first layers shrink the picture to a half or a quarter of its height before much
has been seen; the small stem takes that out.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn
from torchvision import models

from bkn.nets.init import check_size

# Extra outputs in training, for losses of their own.
WITHOUT_AUXILIARY = {name: {"aux_logits": False} for name in ("googlenet", "inception_v3")}
DRAWN = {name: {"init_weights": True} for name in WITHOUT_AUXILIARY}  # else torchvision warns

MOMENTUM = 0.1  # of running averages: PyTorch's own


def build(
    name: str, channels: int, size: tuple[int, int], classes: int, stem: str = "small"
) -> nn.Module:
    """A network of torchvision.

    Args:
        name: as torchvision.models calls it.
        channels: of the images (N, channels, height, width).
        size: (height, width) of the images, in pixels.
        classes: number of outputs.
        stem: "small" for small pictures, see `shrink_less`, or "original".

    Raises:
        ValueError: for a name that torchvision does not know, or a number below 1.
    """
    check_size(size, channels=channels, classes=classes)
    extra = {**WITHOUT_AUXILIARY.get(name, {}), **DRAWN.get(name, {})}
    model: nn.Module = models.get_model(name, weights=None, num_classes=classes, **extra)
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = MOMENTUM
    if stem == "small":
        shrink_less(model)
    path, first = first_convolution(model)
    if first.in_channels != channels:
        put(model, path, redrawn(first, in_channels=channels))
    return model


def shrink_less(model: nn.Module) -> None:
    """Give a network a stem for small pictures, in place.

    If the first convolution skips places, it no longer does, its kernel has at most 3x3 places,
    and a max-pool right behind it (before the next convolution) goes. Unpadded convolutions that
    skip no places, of which Inception has two, get the padding that keeps the picture's size. A
    network whose first convolution skips none has a small stem already.
    """
    path, first = first_convolution(model)
    if first.stride == (1, 1):
        return
    kernel = min(3, first.kernel_size[0])
    put(model, path, redrawn(first, kernel_size=kernel, stride=1, padding=kernel // 2))
    pool = pool_behind_first(model)
    if pool:
        put(model, pool, nn.Identity())
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.stride == (1, 1) and module.padding == (0, 0):
            module.padding = (module.kernel_size[0] // 2, module.kernel_size[1] // 2)


def first_convolution(model: nn.Module) -> tuple[str, nn.Conv2d]:
    """Path and module: torchvision registers layers in order of execution."""
    convolutions = ((p, m) for p, m in model.named_modules() if isinstance(m, nn.Conv2d))
    return next(convolutions)


def pool_behind_first(model: nn.Module) -> str:
    """Path of the max-pool between the first and the second convolution, "" if there is none."""
    convolutions = 0
    for path, module in model.named_modules():
        convolutions += isinstance(module, nn.Conv2d)
        if convolutions == 1 and isinstance(module, nn.MaxPool2d):
            return path
    return ""


def redrawn(old: nn.Conv2d, **changes: Any) -> nn.Conv2d:
    """A convolution like another one, with changes; weights as He et al. draw them, fan-out."""
    settings = {
        "in_channels": old.in_channels,
        "out_channels": old.out_channels,
        "kernel_size": old.kernel_size,
        "stride": old.stride,
        "padding": old.padding,
        "bias": old.bias is not None,
    }
    new = nn.Conv2d(**{**settings, **changes})
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    return new


def put(model: nn.Module, path: str, module: nn.Module) -> None:
    """Set the module at a path, in place of what is there."""
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def __getattr__(name: str) -> Callable[..., nn.Module]:
    if name.startswith("_") or name not in models.list_models(module=models):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return partial(build, name)
