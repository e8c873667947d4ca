"""The light probe: at the same weights, how wrong is each layer's estimate, and who helped?

A fixed set of training images goes through the frozen network in training mode, cut into
micro-batches as in training. A hook on every normalizer sees the layer's input; the moments of that
input over the whole set are the truth that observation, prior, posterior and running statistics
are held against.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bkn.data.base import Images
from bkn.normalizers.base import BatchStatistics, Belief, Normalizer
from bkn.probe.errors import innovations, mean_error, oracle_gain, pooled, theory, var_error
from bkn.probe.frozen import frozen

PROBE_IMAGES = 512  # at the most; twice as many would be looked at half as often
SOURCES = ("observation", "prior", "posterior", "running", "theory")
METRICS = (
    *(f"mean_error_{source}" for source in SOURCES),
    *(f"var_error_{source}" for source in SOURCES),
    "gain",
    "gain_oracle",
    "innovation_mean",
    "innovation_var",
)
NAN = math.nan


class LightProbe:
    """Measures METRICS for every layer of one model.

    Args:
        norms: label -> normalizer, as `norm_layers` gives them.
        images: where the probe set comes from; it is the same for every entrant and seed.
        takes_domains: whether the model is told each image's domain.
    """

    def __init__(
        self, norms: Mapping[str, Normalizer], images: Images, takes_domains: bool = False
    ):
        self.norms = {
            label: norm for label, norm in norms.items() if isinstance(norm, BatchStatistics)
        }
        self.columns = [f"{label}/{metric}" for label in self.norms for metric in METRICS]
        order = torch.randperm(images.train_size, generator=torch.Generator().manual_seed(0))
        self._images, self._order, self.takes_domains = images, order, takes_domains

    def measure(self, model: nn.Module) -> list[float]:
        """One value per column; not a number where a metric has no meaning (no prior, say)."""
        measured: dict[str, Tensor] = {}

        def watch(label: str) -> Any:
            def hook(norm: BatchStatistics, args: tuple[Any, ...]) -> None:
                measured[label] = layer_metrics(norm, *args)

            return hook

        hooks = [norm.register_forward_pre_hook(watch(k)) for k, norm in self.norms.items()]
        try:
            with frozen(model):
                model(self._probe_set(), *self._domains())
        finally:
            for hook in hooks:
                hook.remove()
        return torch.cat([measured[label] for label in self.norms]).tolist()

    def _probe_set(self) -> Tensor:
        """The images that are looked at."""
        return self._images.train(self._probe_index())[0]

    def _domains(self) -> tuple[Tensor, ...]:
        """Their domains, for a model that wants to know."""
        index = self._probe_index()
        return (self._images.train_domains(index),) if self.takes_domains else ()

    def _probe_index(self) -> Tensor:
        """Positions of up to PROBE_IMAGES images, a whole number of micro-batches."""
        m = next(iter(self.norms.values())).micro_batch or 1
        size = min(PROBE_IMAGES, self._images.train_size)
        return self._order[: max(m, size // m * m)]


def layer_metrics(
    norm: BatchStatistics, x: Tensor, prior: Belief | None = None, *more: Any
) -> Tensor:
    """METRICS of one layer as a vector, on the layer's device; arguments as the layer gets them."""
    seen, prior, posterior, gain = norm.estimate(x, prior, *more)
    several = norm.populations(x)
    truth, running = several or (pooled(seen), Belief(norm.running_mean, norm.running_var))
    nothing = torch.full((), NAN, device=x.device)
    values_per_group = x.numel() // x.shape[1] // len(seen.mean)
    sources = (seen, prior, posterior, running)
    metrics: list[Tensor] = []
    for error, expected in zip((mean_error, var_error), theory(values_per_group), strict=True):
        metrics += [nothing if s is None else error(s, truth) for s in sources]
        metrics.append(torch.full_like(nothing, expected))
    metrics.append(gain.float().mean())
    if prior is None:
        metrics += [nothing] * 3
    else:
        metrics += [oracle_gain(seen, prior, truth).mean(), *innovations(seen, prior, truth)]
    return torch.stack([metric.float() for metric in metrics])
