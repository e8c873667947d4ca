"""Measures what the cards of networks say: `python -m tests.nets.measure_torchvision`.

The networks are built without memory for their weights, and run on pictures that hold no numbers,
so that only shapes come out. Prints parameters, normalizers and multiplications of each, and what
divides its channels at each size of picture, as bkn/catalog/torchvision_models.py has them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from math import gcd
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from bkn.catalog import NETWORKS
from bkn.catalog.torchvision_models import FAMILIES, MODELS, Model

MAKERS = (torch.empty, torch.zeros, torch.ones)  # of weights, running averages, affine weights
SIZE = (3, 32, 32)


class WithoutMemory(TorchFunctionMode):
    """Weights have shapes only; small tables that a network computes with stay as they are."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = {**(kwargs or {}), "device": "meta"} if func in MAKERS else kwargs or {}
        return func(*args, **kwargs)


@cache
def hollow(key: str, stem: str = "small") -> nn.Module:
    """A network without memory for its weights, for colours and ten classes, in evaluation."""
    with WithoutMemory():
        network: nn.Module = NETWORKS[key].load()(SIZE[0], SIZE[1:], 10, stem=stem)
    return network.eval()


def run(network: nn.Module, shape: tuple[int, int, int] = SIZE) -> torch.Tensor:
    """Logits of one picture, as a shape.

    Raises:
        RuntimeError: if the network leaves nothing of the picture.
    """
    logits: torch.Tensor = network(torch.empty(1, *shape, device="meta"))
    return logits


@contextmanager
def watched(network: nn.Module, kinds: Any) -> Iterator[list[tuple[nn.Module, Any, Any]]]:
    """Module, input and output of every call of some kinds of modules."""
    calls: list[tuple[nn.Module, Any, Any]] = []
    hooks = [
        module.register_forward_hook(lambda m, args, out: calls.append((m, args[0], out)))
        for module in network.modules()
        if isinstance(module, kinds)
    ]
    yield calls
    for hook in hooks:
        hook.remove()


def seen(network: nn.Module, shape: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Channels and places that every normalizer sees, in order of execution."""
    with watched(network, nn.BatchNorm2d) as calls:
        run(network, shape)
    return [(x.shape[1], x.shape[2:].numel()) for _, x, _ in calls]


def divisors(layers: Sequence[tuple[int, int]]) -> dict[int, int]:
    """What divides the channels of all layers, for each number of places."""
    found: dict[int, int] = {}
    for channels, places in layers:
        found[places] = gcd(found.get(places, 0), channels)
    return found


def gmacs(network: nn.Module) -> float:
    """Multiplications for one picture of SIZE, in thousand millions."""
    with watched(network, (nn.Conv2d, nn.Linear)) as calls:
        run(network)
    return sum(out.numel() * m.weight[0].numel() for m, _, out in calls) / 1e9


def millions(network: nn.Module) -> float:
    """Parameters."""
    return sum(p.numel() for p in network.parameters()) / 1e6


def main() -> None:
    for model in MODELS:
        network = hollow(model.key)
        layers = seen(network, (3, 177, 177))
        print(row(model, network, layers), flush=True)


def row(model: Model, network: nn.Module, layers: Sequence[tuple[int, int]]) -> str:
    """The figures of one model, sizes of pictures named by their places."""
    figures = f"{millions(network):.2f} {len(layers)} {gmacs(network):.3g}"
    return f"{model.key}: {figures} {FAMILIES[model.family].sizes} {divisors(layers)}"


if __name__ == "__main__":
    main()
