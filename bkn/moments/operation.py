"""What one operation of a network does to a belief.

An operation is a small module without parameters. The converted model calls it with the carried
belief, the real input of the operation and its weights.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from bkn.moments.carried import Carried, beliefs_of
from bkn.normalizers.base import Belief


class Operation(nn.Module):
    """One input: its rule for moments, and the operation itself for sampled images."""

    def forward(self, carried: Carried | None, x: Tensor, *weights: Any) -> Carried | None:
        if carried is None:
            return None
        axes = self.layout(carried.axes, x, *weights)
        if axes is None:
            say_lost(self, x)
            return None
        return carried.through(self, axes, x, *weights)

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        """How many axes count channels behind the operation, from how many did in front.

        None where the rule cannot say anything about these activations.
        """
        return axes

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        """The moments behind the operation.

        Args:
            belief: in front of it, (G, C).
            x: the real activations in front of it, (N, C, ...), for their size.
            weights: of the operation, and what else it is called with.
        """
        raise NotImplementedError

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        """The operation itself."""
        raise NotImplementedError

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief | None:
        """What sampled beliefs do while no image is drawn; None to draw one."""
        return None


class ByChannel(Operation):
    """An operation on activations (N, C, ...), with one axis of channels."""

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        return axes if axes == 1 else None


class Join(nn.Module):
    """Several inputs: images become moments where branches meet."""

    def forward(self, parts: Sequence[Carried | None], xs: Sequence[Tensor]) -> Carried | None:
        """What is believed behind the join, from the beliefs about its real inputs xs."""
        known = [part for part in parts if part is not None]
        beliefs = beliefs_of(known)
        if len(known) < len(parts) or beliefs is None:
            return None
        alike = len({x.dim() for x in xs}) == 1 and len({part.axes for part in known}) == 1
        joined = self.moments(beliefs, xs) if alike else None
        if joined is None:
            say_lost(self, *xs)
            return None
        return known[0].with_belief(joined)

    def moments(self, beliefs: list[Belief], xs: Sequence[Tensor]) -> Belief | None:
        """The moments behind the join; None where nothing can be said."""
        raise NotImplementedError


class Arrive(nn.Module):
    """The end of the way: the prior (G, C) for a normalizer."""

    def forward(self, carried: Carried | None) -> Belief | None:
        return None if carried is None or carried.axes != 1 else carried.belief()


def say_lost(rule: nn.Module, *xs: Tensor) -> None:
    """Say that activations of these shapes end a belief; only when the model runs, it shows."""
    shapes = ", ".join(str(tuple(x.shape)) for x in xs)
    warnings.warn(
        f"the moment rule {type(rule).__name__} does not know this use on activations {shapes}: "
        f"layers behind it get no prior and trust their batch",
        UserWarning,
        stacklevel=3,
    )
