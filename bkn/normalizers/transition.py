"""How a Kalman layer's belief leaves it: what is handed on, and in which kind it travels.

A transition is a small module. `hand_on` turns the posterior into the belief
about the layer's output; called, it wraps that belief so that it can go through the layers in
between (bkn.moments).
"""

import torch
from torch import Tensor, nn

from bkn.moments.carried import Carried, Moments, Sample
from bkn.moments.learned import learned_rule
from bkn.normalizers.base import Belief


class MomentsTransition(nn.Module):
    """Hand on the posterior, carry it in closed form: the authors' code without its noise.

    The posterior describes the layer's input. That the normalization in between is skipped is
    the authors' choice, and the reason why the update has its guard.
    """

    def hand_on(self, posterior: Belief, weight: Tensor | None, bias: Tensor | None) -> Belief:
        return posterior

    def rule(self, rule: nn.Module, weight: Tensor | None) -> nn.Module:
        """What an operation on the way does to the belief: its moment rule, or another one.

        Args:
            rule: the moment rule.
            weight: the operation's weight, None if it has none.
        """
        return rule

    def forward(self, belief: Belief | None) -> Carried | None:
        return None if belief is None else Moments(*belief)


class NormalizedTransition(MomentsTransition):
    """Hand on what the next layer really receives, N(bias, weight^2), in closed form."""

    def hand_on(self, posterior: Belief, weight: Tensor | None, bias: Tensor | None) -> Belief:
        mean, var = torch.zeros_like(posterior.mean), torch.ones_like(posterior.var)
        if weight is not None and bias is not None:
            mean, var = mean + bias, var * weight.square()
        return Belief(mean, var)


class LearnedTransition(MomentsTransition):
    """Hand on the posterior, carry it by a learned linear map and noise: the paper's text."""

    def rule(self, rule: nn.Module, weight: Tensor | None) -> nn.Module:
        return learned_rule(rule, weight)


class SampledTransition(MomentsTransition):
    """Hand on the posterior, carry one Gaussian image per micro-batch: the authors' code.

    Args:
        generator: where the images are drawn from; None for torch's own random stream.
    """

    def __init__(self, generator: torch.Generator | None = None):
        super().__init__()
        self.generator = generator

    def forward(self, belief: Belief | None) -> Carried | None:
        return None if belief is None else Sample(belief, self.generator)


def make_transition(name: str, generator: torch.Generator | None = None) -> MomentsTransition:
    """The transition of that name.

    Raises:
        ValueError: for an unknown name.
    """
    if name == "sampled":
        return SampledTransition(generator)
    kinds = {
        "moments": MomentsTransition,
        "normalized": NormalizedTransition,
        "learned": LearnedTransition,
    }
    if name not in kinds:
        raise ValueError(
            f"transition must be 'moments', 'sampled', 'normalized' or 'learned', got {name!r}"
        )
    return kinds[name]()
