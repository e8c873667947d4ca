"""A place where a norm stood: nothing happens to the activations.

For methods that touch weights, gradients or steps instead, and for all who want to watch the place.
"""

from torch import Tensor

from bkn.normalizers.base import Belief, Normalizer


class Identity(Normalizer):
    """y = x, without parameters. `affine` and eps are of no consequence."""

    def __init__(
        self,
        channels: int,
        *,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=False)

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        return x, None
