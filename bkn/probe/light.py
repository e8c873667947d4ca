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
from bkn.normalizers.base import BatchStatistics, Normalizer
from bkn.probe.errors import innovations, mean_error, oracle_gain, theory, var_error
from bkn.probe.frozen import frozen
from bkn.probe.look import Look, look
from bkn.probe.probe_set import ProbeSet

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
        images: where the probe set comes from.
        takes_domains: whether the model is told each image's domain.
    """

    def __init__(
        self, norms: Mapping[str, Normalizer], images: Images, takes_domains: bool = False
    ):
        self.norms = {
            label: norm for label, norm in norms.items() if isinstance(norm, BatchStatistics)
        }
        self.columns = [f"{label}/{metric}" for label in self.norms for metric in METRICS]
        self.probe_set = ProbeSet(images, takes_domains)

    def measure(self, model: nn.Module) -> list[float]:
        """One value per column; not a number where a metric has no meaning (no prior, say)."""
        measured: dict[str, Tensor] = {}

        def watch(label: str) -> Any:
            def hook(norm: BatchStatistics, args: tuple[Any, ...]) -> None:
                measured[label] = layer_metrics(look(norm, *args))

            return hook

        hooks = [norm.register_forward_pre_hook(watch(k)) for k, norm in self.norms.items()]
        try:
            with frozen(model):
                model(*self.probe_set.inputs(micro_batch_of(self.norms)))
        finally:
            for hook in hooks:
                hook.remove()
        return torch.cat([measured[label] for label in self.norms]).tolist()


def micro_batch_of(norms: Mapping[str, Normalizer]) -> int:
    """Images per set of statistics that the layers use now."""
    return next((norm.micro_batch for norm in norms.values() if norm.micro_batch), 1)


def layer_metrics(found: Look) -> Tensor:
    """METRICS of one layer as a vector, on the layer's device."""
    seen, prior, truth = found.seen, found.prior, found.truth
    nothing = torch.full((), NAN, device=seen.mean.device)
    sources = (seen, prior, found.posterior, found.running)
    metrics: list[Tensor] = []
    for error, expected in zip((mean_error, var_error), theory(found.values), strict=True):
        metrics += [nothing if s is None else error(s, truth) for s in sources]
        metrics.append(torch.full_like(nothing, expected))
    metrics.append(found.gain.float().mean())
    if prior is None:
        metrics += [nothing] * 3
    else:
        metrics += [oracle_gain(seen, prior, truth).mean(), *innovations(seen, prior, truth)]
    return torch.stack([metric.float() for metric in metrics])
