"""A card for every model of torchvision, made from what is known of it."""

from collections.abc import Callable
from itertools import count

from bkn.cards import Layers, NetworkCard, Options, Param, Shape
from bkn.catalog.layers import shrunk
from bkn.catalog.torchvision_models import FAMILIES, STEMS, Family, Model

TARGET = "bkn.nets.from_torchvision"
MINE = (
    "Weights are drawn as torchvision draws them; nothing is downloaded. Running averages move at "
    "PyTorch's rate of 0.1 everywhere, as training here is short."
)
ORIGINAL = "Original: as torchvision has it, for pictures of 224x224."
BYTES = 3 * 4  # a parameter, its gradient, its momentum, in float32
IMAGES = 64  # of a step, for the estimate of its time
# Fitted by eye to three of the networks, measured on two cores at (64, 2) with batch norm: thousand
# millions of the forward pass's multiplications a second, forwards and backwards; and what a
# normalizer takes besides. The estimates were right within a factor of about two.
SPEED, PER_NORM = 6.0, 0.04


def card_of(model: Model) -> NetworkCard:
    """The card of one model."""
    family = FAMILIES[model.family]
    return NetworkCard(
        model.key,
        model.title,
        f"{family.idea} {MINE}",
        f"{TARGET}:{model.key}",
        (
            Param(
                "stem",
                "small",
                f"{STEMS[family.stem]} {ORIGINAL}",
                choices=("small", "original"),
            ),
        ),
        layers=layers_of(model, family),
        smallest=smallest_of(family),
        origin=f"torchvision, {model.millions:.1f} M",
        effort=effort(model),
    )


def layers_of(model: Model, family: Family) -> Callable[[Options, Shape], Layers]:
    """What the normalizers see: for each size of picture, what divides all channels there."""

    def layers(options: Options, shape: Shape) -> Layers:
        _, height, width = shape
        stem = str(options["stem"])
        return tuple(
            (channels, shrunk(letters, height, stem) * shrunk(letters, width, stem))
            for letters, channels in zip(family.sizes, model.channels, strict=True)
        )

    return layers


def smallest_of(family: Family) -> Callable[[Options], int]:
    """The least height and width of which something is left behind every layer."""
    ends = (*family.sizes, family.whole)

    def smallest(options: Options) -> int:
        stem = str(options["stem"])
        return next(n for n in count(1) if all(shrunk(end, n, stem) > 0 for end in ends))

    return smallest


def effort(model: Model) -> str:
    """What a step takes on a CPU, roughly, and how much memory the weights need."""
    seconds = IMAGES * model.gmacs / SPEED + model.norms * PER_NORM
    time = f"{seconds:.0f} s" if seconds >= 1 else "a second"
    memory = model.millions * BYTES / 1000
    room = f"; its weights, gradients and momenta take {memory:.1f} GB" if memory >= 1 else ""
    return f"Slow on a CPU: a step of {IMAGES} pictures of 32x32 takes roughly {time}{room}."
