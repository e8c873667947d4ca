"""The Kalman gain: how much weight the observation gets against the prior, 0 to 1.

A gain is a small module without input. Called, it gives a number or one value per channel.
"""

import math

import torch
from torch import Tensor, nn

INITIAL = 0.1  # where a learned gain begins: the authors' fixed one for micro-batches


class FixedGain(nn.Module):
    """The same number for every channel, changed by hand only."""

    def __init__(self, value: float):
        super().__init__()
        self.value = checked(value)

    def forward(self) -> float:
        return self.value

    def set(self, value: float) -> None:
        self.value = checked(value)

    def extra_repr(self) -> str:
        return f"{self.value}"


class LearnedGain(nn.Module):
    """One gain per channel, learned by gradient descent through a sigmoid."""

    value = "learned"

    def __init__(self, channels: int):
        super().__init__()
        self.logit = nn.Parameter(torch.full((channels,), math.log(INITIAL / (1 - INITIAL))))

    def forward(self) -> Tensor:
        return self.logit.sigmoid()

    def set(self, value: float) -> None:
        raise ValueError(f"gain is learned in this layer, it cannot be set to {value!r} by hand")


def make_gain(
    gain: float | str, channels: int, words: str = "'learned'"
) -> FixedGain | LearnedGain:
    """The gain of that description: a number in [0, 1], or "learned".

    Args:
        gain: the description.
        channels: C.
        words: allowed beside a number, for the message.

    Raises:
        ValueError: for anything else.
    """
    if gain == LearnedGain.value:
        return LearnedGain(channels)
    return FixedGain(checked(gain, f", or {words}"))


def checked(gain: float | str, words: str = "") -> float:
    """The gain as a float.

    Raises:
        ValueError: unless it is a number in [0, 1].
    """
    if isinstance(gain, bool | str) or not 0 <= gain <= 1:
        raise ValueError(f"gain must be a number in [0, 1]{words}, got {gain!r}")
    return float(gain)
