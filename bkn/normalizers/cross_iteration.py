"""Cross-iteration batch normalization: statistics of the last few batches, brought up to date.

Paper: Yao, Cao, Zheng, Huang & Lin (2021), https://arxiv.org/abs/2002.05712
Code:  https://github.com/Howal/Cross-iterationBatchNorm

A micro-batch says little, several of them in a row say more. But the earlier ones went through
other weights: their moments are moved to the present ones by a first-order Taylor step in the
weight of the layer in front.
"""

import torch
from torch import Tensor, nn

from bkn.normalizers.base import Belief, Estimate, moments
from bkn.normalizers.cross_iteration_patches import Patches, along
from bkn.normalizers.filtering import filtered, update
from bkn.normalizers.kernels import at_least_float32, normalize
from bkn.normalizers.schedule import ScheduledStatistics
from bkn.normalizers.window import Window


def brought_up_to_date(
    mean: Tensor, var: Tensor, mean_slope: Tensor, var_slope: Tensor, step: Tensor
) -> Belief:
    """Moments after a step of the weight, to first order in mean(y) and mean(y^2).

    In the paper's words: mean' = mean + d mean, square' = max(square + d square, mean'^2), of which
    the variance here is the difference, without its cancellation.

    Args:
        mean, var: (J, G, C), of J earlier batches.
        mean_slope: d mean / d weight (J, G, groups of the convolution, K).
        var_slope: d var / d weight (J, G, C, K).
        step: present weight less that of each batch (J, C, K).
    """
    moved = along(mean_slope, step)
    return Belief(mean + moved, (var + along(var_slope, step) - moved.square()).clamp_min(0))


def pooled(entries: Belief) -> Belief:
    """Moments (G, C) of J equally large samples together, from those of each (J, G, C)."""
    mean, var = entries
    return Belief(mean.mean(0), var.mean(0) + mean.var(0, correction=0))


class CrossIterationNorm(ScheduledStatistics):
    """Normalize by the moments of this and the last batches; evaluate by running averages.

    Each micro-batch stands for a device and has a window of its own. The running averages are
    those of the present batches alone. Before a share of the planned steps this is batch norm, and
    the window empty; where no steps were planned, it fills from the first.

    Earlier moments are compensated where a convolution or linear layer feeds this one directly
    (`take_layer`), by its weight alone; a residual sum is averaged as it was.

    Args:
        window: batches that are averaged, the present one included; 1 is batch norm.
        burnin: share of the planned steps in which this is batch norm.
        base: see `Normalizer`.
    """

    def __init__(
        self,
        channels: int,
        *,
        window: int = 4,
        burnin: float = 0.08,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if window < 1:
            raise ValueError(f"window must be at least 1, got {window}")
        self.window, self.burnin = window, burnin
        self.patches: Patches | None = None
        self.past = Window(window - 1, ("mean", "var"))

    def take_layer(self, layer: nn.Module) -> bool:
        """Hear which layer feeds this one, and whether its weight can be made up for."""
        self.patches = Patches.of(layer)
        if self.patches is not None:
            names = ("mean", "var", "mean_slope", "var_slope", "layer_weight")
            self.past = Window(self.window - 1, names)
        return self.patches is not None

    @property
    def burning_in(self) -> bool:
        """Whether this is still batch norm."""
        return not self.reached(self.burnin)

    def estimate(
        self,
        x: Tensor,
        prior: Belief | None = None,
        source: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> Estimate:
        """What this layer makes of x; source and weight are those of the layer in front.

        Raises:
            ValueError: if they are missing although that layer is known, or the other way round.
        """
        groups = self.count_groups(x)
        if (self.patches is None) != (source is None) or (source is None) != (weight is None):
            known = "no layer" if self.patches is None else "a layer"
            raise ValueError(
                f"{type(self).__name__} must be given the input and the weight of the layer that "
                f"feeds it if it was told of one; it knows {known}"
            )
        posterior = seen = moments(x, self.micro_batch)
        history = None if self.burning_in else self.history(groups, weight)
        if history is not None:
            posterior = update(pooled(history), seen, 1 / (1 + len(history.mean)))
        return Estimate(seen, None, posterior, torch.ones_like(seen.mean[0]))

    @torch.no_grad()
    def history(self, groups: int, weight: Tensor | None) -> Belief | None:
        """Moments (J, groups, C) of the batches in the window, up to date; None if there are none.

        Args:
            groups: micro-batches.
            weight: of the layer in front at present, None for no compensation.
        """
        if not len(self.past):
            return None
        mean, var = self.past.rows("mean", groups), self.past.rows("var", groups)
        if weight is None:
            return Belief(mean, var)
        slopes = self.past.rows("mean_slope", groups), self.past.rows("var_slope", groups)
        step = weight.flatten(1) - self.past.rows("layer_weight", 1)[:, 0]
        return brought_up_to_date(mean, var, *slopes, step)

    def filter(
        self,
        x: Tensor,
        prior: Belief | None = None,
        source: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> tuple[Tensor, Belief]:
        posterior = self.estimate(x, prior, source, weight).posterior
        return normalize(x, *posterior, self.weight, self.bias, self.eps), posterior

    def forward(
        self,
        x: Tensor,
        prior: Belief | None = None,
        source: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> tuple[Tensor, Belief | None]:
        """Normalize x = layer(source); see `estimate` for source and weight."""
        if not self.training:
            self.check(x)
            return self.by_running_averages(x), None
        if self.burning_in:
            groups = self.count_groups(x)
            y, seen = filtered(x, groups, None, 1.0, self.weight, self.bias, self.eps)
        else:
            seen, _, posterior, *_ = self.estimate(x, prior, source, weight)
            y = normalize(x, *posterior, self.weight, self.bias, self.eps)
            self.keep(x, seen, source, weight)
        self.remember(seen, values=x.numel() // seen.mean.numel())
        self.taken += 1
        return y, None

    @torch.no_grad()
    def keep(self, x: Tensor, seen: Belief, source: Tensor | None, weight: Tensor | None) -> None:
        """Put the present batch into the window."""
        values = {"mean": seen.mean, "var": seen.var}
        if self.patches is not None and source is not None and weight is not None:
            slopes = self.patches.slopes(source, x, seen.mean)
            values |= {"mean_slope": slopes.mean, "var_slope": slopes.var}
            values["layer_weight"] = at_least_float32(weight.flatten(1)[None]).clone()
        self.past.push(**values)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, window={self.window}, burnin={self.burnin}"
