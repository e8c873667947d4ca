"""What one operation of a network does to a belief.

An operation is a small module without parameters. The converted model calls it with the carried
belief, the real input of the operation and its weights.
"""

from typing import Any

from torch import Tensor, nn

from bkn.moments.carried import Carried, beliefs_of
from bkn.normalizers.base import Belief


class Operation(nn.Module):
    """One input: its rule for moments, and the operation itself for sampled images."""

    def forward(self, carried: Carried | None, x: Tensor, *weights: Any) -> Carried | None:
        return None if carried is None else carried.through(self, x, *weights)

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        """The moments behind the operation.

        Args:
            belief: in front of it, (G, C).
            x: the real activations in front of it, (N, C, ...), for their size.
            weights: of the operation.
        """
        raise NotImplementedError

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        """The operation itself."""
        raise NotImplementedError

    def shortcut(self, belief: Belief, x: Tensor) -> Belief | None:
        """What sampled beliefs do while no image is drawn; None to draw one."""
        return None


class Join(nn.Module):
    """Several inputs: images become moments where branches meet."""

    def forward(self, *parts: Carried | None) -> Carried | None:
        known = [part for part in parts if part is not None]
        beliefs = beliefs_of(known)
        if len(known) < len(parts) or beliefs is None:
            return None
        return known[0].with_belief(self.moments(beliefs))

    def moments(self, beliefs: list[Belief]) -> Belief:
        """The moments behind the join."""
        raise NotImplementedError


class Arrive(nn.Module):
    """The end of the way: the prior (G, C) for a normalizer."""

    def forward(self, carried: Carried | None) -> Belief | None:
        return None if carried is None else carried.belief()
