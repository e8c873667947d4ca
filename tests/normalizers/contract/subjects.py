"""What the contract's tests share: normalizers to look at, batches, steps and a way back.

Everything is known from the cards. Eight channels fit every method's defaults.
"""

import copy
from collections.abc import Iterable
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from bkn.catalog import METHODS
from bkn.normalizers.base import Belief, Normalizer
from bkn.normalizers.build import build_norm
from bkn.normalizers.hooks import Hooks

CHANNELS = 8
SHAPES = {"vectors": (8, 8), "1d": (4, 8, 5), "maps": (4, 8, 3, 2), "volumes": (4, 8, 2, 1, 2)}
MAPS = SHAPES["maps"]
STEPS = 20  # planned; more than any window holds


def those(fact):
    """Parametrise by the methods whose card has a fact: `@those(lambda card: card.estimates)`."""
    return pytest.mark.parametrize("key", [key for key, card in METHODS.items() if fact(card)])


every_method = those(lambda card: True)
every_batch_method = those(lambda card: card.batch_statistics)


def make(key: str, micro_batch: int | None = 2, dtype: torch.dtype = torch.float64) -> Normalizer:
    """A normalizer in training, whose parameters are not what they are at first."""
    norm = build_norm(key, CHANNELS, micro_batch=micro_batch).to(dtype)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter += 0.5 * torch.randn_like(parameter)
    return norm


def seasoned(key: str) -> Normalizer:
    """A normalizer that has seen all steps that were planned: schedules are over, windows full."""
    return copy.deepcopy(_seasoned(key))


@cache
def _seasoned(key: str) -> Normalizer:
    norm = make(key)
    norm.plan(STEPS)
    train(norm, batches(STEPS))
    return norm


def make_x(shape: tuple[int, ...] = MAPS, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


def batches(number: int, seed: int = 100) -> list[Tensor]:
    """Different batches; each channel has a mean and a scale of its own."""
    mean, scale = torch.linspace(-1, 1, CHANNELS), torch.linspace(0.5, 2, CHANNELS)
    xs = [make_x(seed=seed + i) for i in range(number)]
    return [x * scale.view(-1, 1, 1).double() + mean.view(-1, 1, 1) for x in xs]


def make_prior(norm: Normalizer, x: Tensor) -> Belief | None:
    """A prior of the size of the beliefs that the layer itself hands on; None if it has none."""
    back = Snapshot(norm)
    belief = norm(x)[1]
    back.restore()
    if belief is None:
        return None
    mean = torch.linspace(-1, 1, belief.mean.numel()).view_as(belief.mean).to(belief.mean)
    return Belief(mean, mean.square() + 0.5)


def run(norm: nn.Module, x: Tensor, *more: object) -> Tensor:
    """The normalized batch; a layer that draws random numbers draws the same ones each time."""
    torch.manual_seed(5)
    y: Tensor = norm(x, *more)[0]
    return y


def train(norm: nn.Module, xs: Iterable[Tensor], lr: float = 0.05) -> list[Tensor]:
    """Steps on one layer alone, as the training loop takes them; the outputs."""
    hooks, outputs = Hooks(norm), []
    parameters = list(norm.parameters())
    for x in xs:
        given = x.clone().requires_grad_()
        torch.manual_seed(5)
        hooks.before_forward()
        y, _ = norm(given)
        norm.zero_grad(set_to_none=True)
        (y * make_x(y.shape, seed=9).to(y)).mean().backward()
        hooks.before_step()
        with torch.no_grad():
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter -= lr * parameter.grad
        hooks.after_step(lambda given=given: norm(given))
        outputs.append(y.detach())
    return outputs


def buffers(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all buffers, those too that no state_dict holds."""
    return {name: buffer.detach().clone() for name, buffer in module.named_buffers()}


def assert_same_buffers(module: nn.Module, expected: dict[str, Tensor]) -> None:
    now = buffers(module)
    assert list(now) == list(expected)
    for name, value in now.items():
        assert torch.equal(value, expected[name]), name


class Snapshot:
    """The buffers of a module as they are now.

    Putting them back gives the module fresh copies: what a graph still needs for its backward
    pass stays untouched.
    """

    def __init__(self, module: nn.Module):
        self._saved = [
            (place, name, buffer.detach().clone())
            for place in module.modules()
            for name, buffer in place.named_buffers(recurse=False)
        ]

    def restore(self) -> None:
        for place, name, buffer in self._saved:
            setattr(place, name, buffer.clone())
