"""A method with its options, ready to be placed in a network."""

from dataclasses import dataclass, field

from torch.nn.modules.batchnorm import _BatchNorm

from bkn.cards import MethodCard, Options, pick
from bkn.catalog import METHODS
from bkn.normalizers.base import Normalizer
from bkn.normalizers.build import build_norm


@dataclass(frozen=True)
class Method:
    """What `convert` was asked for.

    Raises:
        ValueError: for an unknown method or option, or a value that is not allowed.
    """

    key: str
    micro_batch: int | None = None
    options: Options = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", self.card.complete(self.options))

    @property
    def card(self) -> MethodCard:
        card: MethodCard = pick(METHODS, self.key, "method")
        return card

    def norm(self, channels: int) -> Normalizer:
        """One new normalizer."""
        return build_norm(self.key, channels, micro_batch=self.micro_batch, **self.options)

    def norm_like(self, old: _BatchNorm) -> Normalizer:
        """A normalizer in place of a layer: with what that had learned and stored.

        What the new one has no place for (a scale, running averages) is left behind.
        """
        norm = self.norm(old.num_features)
        if not norm.own_eps:
            norm.eps = old.eps
        if norm.weight is not None:
            norm.weight = old.weight
        if norm.bias is not None:
            norm.bias = old.bias
        norm.take_over(old)
        like = old.running_mean if old.weight is None else old.weight
        if like is not None:
            norm.to(like.device, like.dtype)
        return norm.train(old.training)
