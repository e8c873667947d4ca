"""A converted network that is told each image's domain: `model(x, domain)`.

Images of a domain that training has never seen go through the network once per known domain; the
predictions are mixed. Segu, Tonioni & Tombari (2020), https://arxiv.org/abs/2011.12672, weigh them
by how near the image's own moments lie to each domain's, over all layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from bkn.normalizers.domain import DomainNorm

UNSEEN = -1  # as a domain: an image of none that is known
TINY = 1e-8  # added to distances: a domain may be met exactly


def nearness(distances: Tensor) -> Tensor:
    """Weights of the domains, in proportion to 1 / distance: (D, N), each image's sum to 1."""
    near = 1 / (distances + TINY)
    return near / near.sum(0)


def mixture(predictions: Tensor, weights: Tensor) -> Tensor:
    """Logarithms of mixed probabilities.

    Args:
        predictions: logits (D, N, classes).
        weights: (D, N).

    Returns:
        (N, classes); good as logits too.
    """
    logs = predictions.log_softmax(-1) + weights.log().unsqueeze(-1)
    return logs.logsumexp(0)


class DomainNetwork(nn.Module):
    """Tells the layers which image is of which domain, for the length of one pass.

    Args:
        network: a converted network; its DomainNorm layers agree about domains and options.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    @property
    def norms(self) -> list[DomainNorm]:
        """All layers that want to know."""
        return [module for module in self.network.modules() if isinstance(module, DomainNorm)]

    def forward(self, x: Tensor, domain: Tensor | None = None) -> Tensor:
        """Logits of x (N, ...).

        Args:
            x: images.
            domain: of each image, int64 (N,); -1 in evaluation: none that is known. None stands
                for domain 0 in training and for -1 in evaluation.

        Raises:
            ValueError: for domains that are none, in words.
        """
        ids = None if domain is None else self._checked(domain, len(x))
        if self.training:
            return self._pass(x, None if ids is None else ids.to(x.device))
        if ids is None or bool((ids == UNSEEN).all()):
            return self._unseen(x)
        new = ids == UNSEEN
        logits = self._pass(x, ids.clamp(min=0).to(x.device))
        if new.any():
            logits[new.to(x.device)] = self._unseen(x[new.to(x.device)]).to(logits.dtype)
        return logits

    def weights(self, x: Tensor) -> Tensor:
        """How much each domain counts for images of none: (D, N); those never trained count 0."""
        return self._ask_all(x)[1]

    def _checked(self, domain: Tensor, images: int) -> Tensor:
        if not isinstance(domain, Tensor):
            raise ValueError(
                f"domain must be a tensor of {images} whole numbers, one per image, got {domain!r}"
            )
        count, lowest = self.norms[0].domains, 0 if self.training else UNSEEN
        if domain.shape != (images,) or domain.is_floating_point() or domain.dtype == torch.bool:
            raise ValueError(
                f"domain must be a row of {images} whole numbers, one per image, got "
                f"{str(domain.dtype).removeprefix('torch.')} of shape {tuple(domain.shape)}"
            )
        low, high = (int(end) for end in torch.aminmax(domain)) if images else (0, 0)
        if low < lowest or high >= count:
            wrong = low if low < lowest else high
            words = f"in [0, {count - 1}]" + ("" if self.training else ", or -1 for an unseen one")
            raise ValueError(f"domain must lie {words}, got {wrong}")
        return domain.long()

    def _pass(self, x: Tensor, ids: Tensor | int | None) -> Tensor:
        with self._telling(ids):
            logits: Tensor = self.network(x)
        return logits

    def _unseen(self, x: Tensor) -> Tensor:
        if self.norms[0].domains == 1:
            return self._pass(x, 0)
        return mixture(*self._ask_all(x))

    def _ask_all(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (D, N, classes) by every domain's statistics, and the domains' weights (D, N)."""
        predictions, distances = [], []
        for domain in range(self.norms[0].domains):
            with self._telling(domain, x.new_zeros(len(x), dtype=torch.float32)):
                predictions.append(self.network(x))
                distances.append(torch.stack([d.float() for d in self._measured()]).sum(0))
        far = torch.stack(distances)
        weights = nearness(far) if self.norms[0].unseen == "embedding" else torch.ones_like(far)
        trained = (self.norms[0].num_batches_tracked > 0).to(far.dtype)
        weights = weights * (trained if trained.any() else torch.ones_like(trained)).unsqueeze(1)
        return torch.stack(predictions), weights / weights.sum(0)

    def _measured(self) -> list[Tensor]:
        return [norm.distances for norm in self.norms if norm.distances is not None]

    @contextmanager
    def _telling(self, ids: Tensor | int | None, measured: Tensor | None = None) -> Iterator[None]:
        norms = self.norms
        for norm in norms:
            norm.ids, norm.distances = ids, measured
        try:
            yield
        finally:
            for norm in norms:
                norm.ids = norm.distances = None
