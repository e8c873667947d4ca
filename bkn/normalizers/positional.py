"""Positional normalization: every place of an image by itself, over its channels.

Paper: Li, Wu, Weinberger & Belongie (2019), https://arxiv.org/abs/1907.04312
Code:  https://github.com/Boyiliee/PONO

Mean and deviation over the channels at one place tell about structure: where the edges are. The
paper removes them in the early layers of a generator and puts them back in late ones, its moment
shortcut. A classifier has no such late layers, so here they are removed only.
"""

from torch import Tensor

from bkn.normalizers.base import Belief, Normalizer
from bkn.normalizers.kernels import at_least_float32


def positional_moments(
    x: Tensor, variance: str = "biased", eps: float = 1e-5
) -> tuple[Tensor, Tensor]:
    """Mean and sqrt(variance + eps) over the channels, (N, 1, ...) each, float32 at least.

    Args:
        x: activations (N, C, ...).
        variance: "biased" divides by C, "unbiased" by C - 1 (the authors' PyTorch code).
        eps: added to the variance.
    """
    values = at_least_float32(x)
    mean = values.mean(1, keepdim=True)
    var = (values - mean).square().mean(1, keepdim=True)
    if variance == "unbiased":
        var = var * (x.shape[1] / (x.shape[1] - 1))
    return mean, (var + eps).sqrt()


def moment_shortcut(x: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Put moments (N, 1, ...) back into x (N, C, ...): the inverse of normalizing by them."""
    return x * deviation + mean


class PositionalNorm(Normalizer):
    """Normalize each place of each image over all channels; training equals evaluation.

    Args:
        channels: C, at least 2: of a single channel nothing would be left.
        variance: "biased" or "unbiased", see `positional_moments`.
        base: see `Normalizer`; micro_batch is of no consequence.

    Raises:
        ValueError: for a single channel or an unknown kind of variance.
    """

    def __init__(
        self,
        channels: int,
        *,
        variance: str = "biased",
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if channels < 2:
            raise ValueError(
                "PositionalNorm needs at least 2 channels: one value has no variance; got 1"
            )
        if variance not in ("biased", "unbiased"):
            raise ValueError(f"variance must be 'biased' or 'unbiased', got {variance!r}")
        self.variance = variance

    def check(self, x: Tensor) -> None:
        """Raise ValueError for wrong channels and for images of a single place."""
        super().check(x)
        if x.shape[2:].numel() < 2:
            raise ValueError(
                "PositionalNorm needs height and width: with a single place it is layer norm; "
                f"got shape {tuple(x.shape)}"
            )

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        mean, deviation = positional_moments(x, self.variance, self.eps)
        y = (at_least_float32(x) - mean) / deviation
        shape = (-1,) + (1,) * (x.dim() - 2)
        if self.weight is not None:
            y = y * self.weight.view(shape)
        if self.bias is not None:
            y = y + self.bias.view(shape)
        return y.to(x.dtype), None

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, variance={self.variance!r}"
