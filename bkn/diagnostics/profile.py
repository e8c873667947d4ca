"""Depth profiles: how activations and gradients grow or fade from layer to layer.

Bjorck et al. 2018, https://arxiv.org/abs/1806.02375: without
normalization a channel's mean and variance grow with depth, with it they stay.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.diagnostics.subject import Subject
from bkn.probe.depth import population
from bkn.surgery.convert import norm_layers

Row = dict[str, Any]


def places(model: nn.Module) -> dict[str, nn.Module]:
    """Where activations are looked at: the norms by label, from the first to the last."""
    found: Mapping[str, nn.Module] = norm_layers(model) or {
        path: module for path, module in model.named_modules() if isinstance(module, _BatchNorm)
    }
    return dict(found)


def depth_profile(subject: Subject) -> list[Row]:
    """One row per norm, in order of execution.

    `input` and `output` hold moments of the norm's input and output: a mean and a variance per
    channel over batch and places, of which `mean` and `var` are the averages over channels and
    `mean_spread` and `var_spread` the standard deviations. `gradient_norm` is the Euclidean norm
    of the loss's gradient by the whole output (nats per unit of activation), `gradient_rms` its
    root mean square per value. Of a layer that is used several times the last use counts.
    """
    rows: dict[str, Row] = {}

    def watch(label: str) -> Any:
        def hook(norm: nn.Module, args: tuple[Any, ...], result: Any) -> None:
            output = result[0] if isinstance(result, tuple) else result
            row = rows[label] = {"layer": label, "input": spread(args[0]), "output": spread(output)}

            def arrived(gradient: Tensor) -> None:
                norm_of = gradient.double().norm().item()
                row["gradient_norm"] = norm_of
                row["gradient_rms"] = norm_of / gradient.numel() ** 0.5

            output.register_hook(arrived)

        return hook

    subject.watched_by({norm: watch(k) for k, norm in places(subject.model).items()})
    return list(rows.values())


@torch.no_grad()
def spread(x: Tensor) -> dict[str, float]:
    """Average and standard deviation over channels of each channel's mean and variance.

    x is (N, C, ...); variances are biased.
    """
    mean, var = population(x.double())
    return {
        "mean": mean.mean().item(),
        "mean_spread": mean.std(correction=0).item(),
        "var": var.mean().item(),
        "var_spread": var.std(correction=0).item(),
    }
