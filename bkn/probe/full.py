"""The full probe: what the light one measures, and beside it a snapshot channel by channel.

All comes from one forward pass of the same images at the same weights, plus one in evaluation, so
that rows and snapshot agree. Layers of methods without estimates have their input and output.
"""

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor, nn

from bkn.data.base import Images
from bkn.normalizers.base import BatchStatistics, Normalizer
from bkn.probe.channels import Arrays, belief_arrays, consistency, truth_arrays
from bkn.probe.depth import (
    LAYER_METRICS,
    RUN_METRICS,
    affine_undone,
    filtered_output,
    in_order,
    judged,
    moments_by_depth,
    population,
)
from bkn.probe.errors import pooled
from bkn.probe.frozen import frozen
from bkn.probe.layout import layer_layout
from bkn.probe.light import layer_metrics, micro_batch_of
from bkn.probe.look import look
from bkn.probe.network_map import network_map
from bkn.probe.probe_set import ProbeSet
from bkn.probe.weights import WeightWatch, feeding_weights
from bkn.snapshot import KEPT_CHANNELS, Layout


class Seen(NamedTuple):
    """What one full round found."""

    light: list[float]  # of LightProbe's columns; empty for a method without estimates
    scalars: list[float]  # of FullProbe.columns
    snapshot: bytes


class FullProbe:
    """Measures everything about one model.

    Args:
        model: the converted network.
        norms: label -> normalizer, as `norm_layers` gives them.
        images: where the probe set comes from.
        takes_domains: whether the model is told each image's domain.
        estimates: whether the layers' statistics estimate those of the population.
        kept_channels: of a layer, at the most.
    """

    def __init__(
        self,
        model: nn.Module,
        norms: Mapping[str, Normalizer],
        images: Images,
        takes_domains: bool = False,
        estimates: bool = True,
        kept_channels: int = KEPT_CHANNELS,
    ):
        self.model, self.norms, self.estimates = model, dict(norms), estimates
        self.probe_set = ProbeSet(images, takes_domains)
        self.columns = [f"{label}/{metric}" for label in norms for metric in LAYER_METRICS]
        self.columns += RUN_METRICS
        self.watch = WeightWatch(feeding_weights(model))
        micro_batch = micro_batch_of(norms)
        groups = self.probe_set.size(micro_batch) // micro_batch
        self.network = network_map(model, self.probe_set.inputs(micro_batch)[0][:1])
        shapes = {n["label"]: n["shape"] for n in self.network["nodes"] if n["kind"] == "norm"}
        layers = []
        for label, norm in norms.items():
            channels, *places = shapes[label]
            blending = norm.blending if self._believes(norm) else None
            layers.append(
                layer_layout(label, channels, prod(places), groups, blending, kept_channels)
            )
        self.layout = Layout(tuple(layers))

    @property
    def snapshot_bytes(self) -> int:
        """Size of one snapshot."""
        return 4 * sum(layer.size for layer in self.layout.layers)

    def measure(self) -> Seen:
        """Look; afterwards everything is as it was."""
        light: dict[str, Tensor] = {}
        arrays: dict[str, Arrays] = {}
        scalars: dict[str, list[Tensor]] = {}

        def watch(label: str) -> list[Any]:
            def before(norm: Normalizer, args: tuple[Any, ...]) -> None:
                if self._believes(norm):
                    light[label] = self._look_inside(label, norm, args, arrays, scalars)

            def behind(norm: Normalizer, args: tuple[Any, ...], result: Any) -> None:
                if not self._believes(norm):
                    self._look_around(label, norm, args[0], result[0], arrays, scalars)

            norm = self.norms[label]
            return [norm.register_forward_pre_hook(before), norm.register_forward_hook(behind)]

        inputs, labels = self.probe_set.labelled(micro_batch_of(self.norms))
        with frozen(self.model):
            stored = self.model.eval()(*inputs)  # first: training mode moves what is stored
        hooks = [hook for label in self.norms for hook in watch(label)]
        try:
            with frozen(self.model):
                logits = self.model(*inputs)
        finally:
            for hook in hooks:
                hook.remove()
        loss_batch, accuracy_batch = judged(logits, labels)
        loss_stored, accuracy_stored = judged(stored, labels)
        gap = [loss_batch, loss_stored, accuracy_batch, accuracy_stored]
        values = [value for label in self.norms for value in scalars[label]]
        return Seen(
            torch.cat([light[label] for label in light]).tolist() if light else [],
            [float(value) for value in [*values, *gap]],
            self.layout.pack({k: _on_host(found) for k, found in arrays.items()}),
        )

    def _believes(self, norm: Normalizer) -> TypeGuard[BatchStatistics]:
        return self.estimates and isinstance(norm, BatchStatistics)

    def _look_inside(
        self,
        label: str,
        norm: BatchStatistics,
        args: tuple[Any, ...],
        arrays: dict[str, Arrays],
        scalars: dict[str, list[Tensor]],
    ) -> Tensor:
        """A layer with beliefs; returns the light probe's metrics."""
        layer, x, found = self.layout.layer(label), args[0], look(norm, *args)
        kept = torch.tensor(layer.kept, device=x.device)
        truth = pooled(found.seen) if found.truth.mean.dim() == 1 else population(x)
        output = filtered_output(found, norm.eps)
        rows = layer.fields["seen_mean"][0]
        arrays[label] = truth_arrays(x, truth, kept) | belief_arrays(norm, found, kept, rows)
        arrays[label] |= {"output_mean": output.mean[kept], "output_var": output.var[kept]}
        honest = {name: value.nanmean() for name, value in consistency(found).items()}
        scalars[label] = self._scalars(label, moments_by_depth(truth, output) | honest)
        return layer_metrics(found)

    def _look_around(
        self,
        label: str,
        norm: Normalizer,
        x: Tensor,
        y: Tensor,
        arrays: dict[str, Arrays],
        scalars: dict[str, list[Tensor]],
    ) -> None:
        """A layer without beliefs: its input and its output."""
        kept = torch.tensor(self.layout.layer(label).kept, device=x.device)
        truth, output = population(x), affine_undone(norm, y)
        arrays[label] = truth_arrays(x, truth, kept)
        arrays[label] |= {"output_mean": output.mean[kept], "output_var": output.var[kept]}
        nothing = dict.fromkeys(("consistency_mean", "consistency_var"), float("nan"))
        scalars[label] = self._scalars(label, moments_by_depth(truth, output) | nothing)

    def _scalars(self, label: str, found: dict[str, Any]) -> list[Tensor]:
        names = ("gradient_norm", "weight_norm", "update_ratio")
        return in_order(found | dict(zip(names, self.watch.take(label), strict=True)))


def _on_host(arrays: Arrays) -> dict[str, Any]:
    return {name: array.float().cpu().numpy() for name, array in arrays.items()}
