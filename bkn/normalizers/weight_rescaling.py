"""Weight rescaling: batch norm whose filters are put back to length one after every step.

Paper: Liu, Cui, Wan, Mao & Chan (2021), https://arxiv.org/abs/2102.03497

Behind batch norm the length of a filter means nothing to the output, but the longer it is the less
a step turns it. Left alone filters grow with every step; weight decay holds that up in a way that
is hard to control. Here they are simply divided by their length, so a learning rate keeps its
meaning, and weight decay is not needed.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from bkn.normalizers.batch import BatchNorm
from bkn.normalizers.kernels import at_least_float32


def lengths(weight: Tensor, granularity: str = "filter") -> Tensor:
    """By what each filter of weights (out, ...) is to be divided, (out,); 1 where it is all zeros.

    Args:
        weight: of a convolution or linear layer, a filter per output.
        granularity: "filter" gives the length of each; "layer" the root of their mean square for
            all, so that their proportions stay and their lengths are one on average.
    """
    norms = at_least_float32(weight).flatten(1).norm(dim=1)
    if granularity == "layer":
        norms = norms.square().mean().sqrt().expand_as(norms)
    return torch.where(norms > 0, norms, 1.0)


class WeightRescaling(BatchNorm):
    """Batch norm that rescales the weight layer right in front of it after optimizer steps.

    Where no weight layer feeds this norm, and nothing else, it is batch norm and no more. The
    running averages are rescaled with the filters, so that evaluation does not notice either.

    Args:
        channels: C.
        granularity: see `lengths`.
        every: steps between two rescalings.
        base: see `BatchStatistics`.

    Raises:
        ValueError: for a granularity that is neither "filter" nor "layer", and for every < 1.
    """

    steps: Tensor

    def __init__(
        self,
        channels: int,
        *,
        granularity: str = "filter",
        every: int = 1,
        running: str = "mean",
        momentum: float | None = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(
            channels,
            running=running,
            momentum=momentum,
            micro_batch=micro_batch,
            eps=eps,
            affine=affine,
        )
        if granularity not in ("filter", "layer"):
            raise ValueError(f"granularity must be 'filter' or 'layer', got {granularity!r}")
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        self.granularity, self.every = granularity, every
        self.layer = ""  # path of the weight layer, told by the placement
        self.register_buffer("steps", torch.tensor(0))

    def undecayed(self, model: nn.Module) -> Iterable[nn.Parameter]:
        """The rescaled weights: decay would have nothing to hold up."""
        if self.layer:
            weight = model.get_submodule(self.layer).weight
            assert isinstance(weight, nn.Parameter)
            yield weight

    def after_step(self, model: nn.Module) -> None:
        """Rescale, if it is time to."""
        self.steps += 1
        if self.layer and not self.steps % self.every:
            self.rescale(model.get_submodule(self.layer))

    @torch.no_grad()
    def rescale(self, layer: Any) -> None:
        """Divide the layer's filters by their lengths, and let the running averages follow."""
        factor = 1 / lengths(layer.weight, self.granularity)
        layer.weight.mul_(factor.view(-1, *(1,) * (layer.weight.dim() - 1)))
        factor = factor.to(self.running_mean.dtype)
        bias = 0.0 if layer.bias is None else layer.bias.to(factor.dtype)
        self.running_mean.sub_(bias).mul_(factor).add_(bias)
        self.running_var.mul_(factor.square())

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, granularity={self.granularity!r}, every={self.every}"
