"""Batch normalization with statistics per domain.

Papers: Chang, You, Seo, Kwak & Han (2019), https://arxiv.org/abs/1906.03950, statistics and affine
        weights per domain; Segu, Tonioni & Tombari (2020), https://arxiv.org/abs/2011.12672,
        statistics per domain only, which then tell how near an image is to each domain.

Pictures from different sources have different moments, and an average over sources fits none of
them. In training each image is normalized by the images of its own domain inside its micro-batch,
which may hold several domains. `DomainNetwork` tells the layers which image is of which domain.
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.normalizers.base import BatchStatistics, Belief, Estimate, moments
from bkn.normalizers.filtering import filtered
from bkn.normalizers.kernels import normalize

MOST = 16  # domains


def pooled_by(member: Tensor, images: Belief) -> Belief:
    """Moments of sets of images from those of each image, by the law of total variance.

    Args:
        member: (..., N, K) 1 where the image belongs to the set; empty sets get 0.
        images: (..., N, C) per image.

    Returns:
        (..., K, C).
    """
    share = (member / member.sum(-2, keepdim=True).clamp(min=1)).mT
    mean = summed(share, images.mean)
    gap = images.mean - summed(member, mean)  # every image is in one set
    return Belief(mean, summed(share, images.var + gap.square()))


def summed(weights: Tensor, values: Tensor) -> Tensor:
    """weights @ values in their own precision, which autocast would halve."""
    with torch.autocast(values.device.type, enabled=False):
        return weights @ values


def distance(images: Belief, domain: Belief, values: int) -> Tensor:
    """Squared 2-Wasserstein distance of each image to a domain, as diagonal Gaussians: (N,).

    Args:
        images: moments of each image, (N, C).
        domain: moments of the domain, (C,).
        values: per image and channel; a single one has no deviation, so means alone are compared.
    """
    apart = (images.mean - domain.mean).square()
    if values > 1:
        apart = apart + (images.var.clamp(min=0).sqrt() - domain.var.sqrt()).square()
    return apart.sum(1)


class DomainNorm(BatchStatistics):
    """Normalize each image by the images of its own domain in its micro-batch.

    Whose pass it is, `DomainNetwork` writes into `ids` and takes away again: a domain per image
    (N,), one for all, or None, which is domain 0. With a single domain this is batch normalization.

    Where an image has a single value per channel (vectors) and no companion of its domain in its
    micro-batch, there is no variance: it is normalized by the whole micro-batch.

    Args:
        domains: how many, or "auto" where nobody has told: one.
        scales: affine weights are "shared", (C,), or each domain has its "own", (D, C).
        unseen: what `DomainNetwork` does with images of no known domain.
        base: see `Normalizer`; running averages are (D, C).
    """

    def __init__(
        self,
        channels: int,
        *,
        domains: int | str = "auto",
        scales: str = "shared",
        unseen: str = "embedding",
        momentum: float | None = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(
            channels, momentum=momentum, micro_batch=micro_batch, eps=eps, affine=affine
        )
        self.domains = 1 if domains == "auto" else int(domains)
        if not 1 <= self.domains <= MOST:
            raise ValueError(f"domains must lie in [1, {MOST}] or be 'auto', got {domains!r}")
        self.scales, self.unseen = scales, unseen
        self.ids: Tensor | int | None = None
        self.distances: Tensor | None = None  # (N,), grows while the network measures
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            setattr(self, name, self._for_all(getattr(self, name)))
        self._spread_affine()

    def _for_all(self, value: Tensor) -> Tensor:
        """The same for every domain, (D, ...)."""
        return value.expand(self.domains, *value.shape).clone()

    @torch.no_grad()
    def _spread_affine(self) -> None:
        if self.scales == "own":
            for name in ("weight", "bias"):
                value = getattr(self, name)
                if value is not None:
                    setattr(self, name, nn.Parameter(self._for_all(value)))

    def take_over(self, old: _BatchNorm) -> None:
        self.momentum = old.momentum
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            if getattr(old, name) is not None:
                setattr(self, name, self._for_all(getattr(old, name)))
        self._spread_affine()

    def undecayed(self, model: nn.Module) -> Iterable[nn.Parameter]:
        return [p for p in (self.weight, self.bias) if p is not None]

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        """One row per micro-batch and domain that has images there, in this order."""
        self.count_groups(x)
        if self._mixed:
            member, images = self._cells(x)
            filled = member.sum(1) > 0  # (G, D)
            seen = Belief(*(value[filled] for value in pooled_by(member, images)))
        else:
            seen = moments(x, self.micro_batch)
        return Estimate(seen, None, seen, torch.ones_like(seen.mean[0]))

    def populations(self, x: Tensor) -> tuple[Belief, Belief] | None:
        if not self._mixed:
            return moments(x), self._running(self._domain)
        domain = (self._cells(x)[0].sum(1) > 0).nonzero()[:, 1]
        truth = pooled_by(self._one_hot(x), moments(x, 1))
        return Belief(truth.mean[domain], truth.var[domain]), self._running(domain)

    def filter(self, x: Tensor, prior: Belief | None) -> tuple[Tensor, Belief]:
        groups = self.count_groups(x)
        return filtered(x, groups, None, 1.0, *self._affine(self._domain), self.eps)

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, Belief | None]:
        if self.training and self._mixed:
            return self._normalize_mixed(x), None
        return super().forward(x, prior)

    @property
    def _mixed(self) -> bool:
        return isinstance(self.ids, Tensor) and self.domains > 1

    @property
    def _domain(self) -> int:
        """The domain of all images of this pass."""
        return self.ids if isinstance(self.ids, int) else 0

    def _running(self, rows: Tensor | int) -> Belief:
        """Running moments of one domain (C,), or of several."""
        return Belief(self.running_mean[rows], self.running_var[rows])

    def _affine(self, rows: Any) -> tuple[Tensor | None, Tensor | None]:
        """Scale and shift of one domain (C,), or of several."""
        if self.scales == "shared":
            return self.weight, self.bias
        weight, bias = self.weight, self.bias
        return weight if weight is None else weight[rows], bias if bias is None else bias[rows]

    def _one_hot(self, x: Tensor) -> Tensor:
        """Which image is of which domain: (N, D)."""
        assert isinstance(self.ids, Tensor)
        if len(self.ids) != len(x):
            raise ValueError(f"domain must name {len(x)} images, got {len(self.ids)}")
        wide = torch.promote_types(x.dtype, torch.float32)
        return F.one_hot(self.ids, self.domains).to(wide)

    def _cells(self, x: Tensor) -> tuple[Tensor, Belief]:
        """Which image of a micro-batch is of which domain (G, m, D), and the images' moments."""
        split = self.count_groups(x), -1
        images = Belief(*(value.unflatten(0, split) for value in moments(x, 1)))
        return self._one_hot(x).unflatten(0, split), images

    def _normalize_mixed(self, x: Tensor) -> Tensor:
        member, images = self._cells(x)
        cells, values = pooled_by(member, images), x[0, 0].numel()
        self._remember_mixed(cells, member.sum(1), values)
        rows = Belief(*(summed(member, own) for own in cells))  # (G, m, C)
        if values == 1:
            companions = summed(member, member.sum(1).unsqueeze(-1)) > 1  # (G, m, 1)
            whole = pooled_by(torch.ones_like(member[..., :1]), images)  # (G, 1, C)
            pairs = zip(rows, whole, strict=True)
            rows = Belief(*(torch.where(companions, own, all_) for own, all_ in pairs))
        return self._by_rows(x, Belief(*(value.flatten(0, 1) for value in rows)))

    def _by_rows(self, x: Tensor, rows: Belief) -> Tensor:
        """Normalize every image by moments of its own (N, C)."""
        weight, bias = self._affine(self.ids)
        if self.scales == "shared" or bias is None:
            return normalize(x, *rows, weight, bias, self.eps)
        places = (1,) * (x.dim() - 2)
        y = normalize(x, *rows, weight, None, self.eps)
        return y + bias.view(*bias.shape, *places).to(x.dtype)

    def by_running_averages(self, x: Tensor) -> Tensor:
        if self._mixed:
            assert isinstance(self.ids, Tensor)
            return self._by_rows(x, self._running(self.ids))
        domain = self._running(self._domain)
        if self.distances is not None:
            far = distance(moments(x, 1), domain, values=x[0, 0].numel())
            self.distances = self.distances + far.detach()
        return F.batch_norm(x, *domain, *self._affine(self._domain), False, 0.0, self.eps)

    @torch.no_grad()
    def remember(self, posterior: Belief, values: int) -> None:
        """Move the averages of this pass's one domain towards the posterior of a batch."""
        row = self._domain
        self.num_batches_tracked[row] += 1
        rate = self.momentum
        if rate is None:
            rate = 1.0 / float(self.num_batches_tracked[row])
        mean, var = (value.mean(0).to(self.running_mean.dtype) for value in posterior)
        self.running_mean[row].lerp_(mean, rate)
        self.running_var[row].lerp_(var * (values / (values - 1)), rate)

    @torch.no_grad()
    def _remember_mixed(self, cells: Belief, images: Tensor, values: int) -> None:
        """Move every domain's averages towards its cells, each weighed by its images.

        Args:
            cells: moments (G, D, C) of micro-batches and domains.
            images: per cell, (G, D).
            values: per image and channel.
        """
        counts = images * values
        counted = (counts > 1).to(counts.dtype)  # a single value says nothing about the variance
        unbiased = cells.var * (counts / (counts - 1).clamp(min=1)).unsqueeze(2)
        weight = counted * images
        total = weight.sum(0)
        present = (total > 0).unsqueeze(1)
        share = (weight / total.clamp(min=1)).unsqueeze(2)
        self.num_batches_tracked += present.squeeze(1).to(self.num_batches_tracked.dtype)
        rate = 1.0 / self.num_batches_tracked.clamp(min=1).to(share.dtype).unsqueeze(1)
        if self.momentum is not None:
            rate = torch.full_like(rate, self.momentum)
        for running, new in ((self.running_mean, cells.mean), (self.running_var, unbiased)):
            target = (share * new).sum(0).to(running.dtype)
            moved = running.lerp(target, rate.to(running.dtype))
            running.copy_(torch.where(present, moved, running))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, domains={self.domains}, scales={self.scales!r}"
