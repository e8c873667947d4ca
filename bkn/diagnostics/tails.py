"""How heavy are the tails of the gradient?

Bjorck et al. 2018, https://arxiv.org/abs/1806.02375: without normalization a few
entries of a layer's gradient are far larger than the rest.
"""

from typing import Any

import numpy as np
from torch import Tensor

from bkn.diagnostics.subject import Subject

Row = dict[str, Any]
EDGES = tuple(np.linspace(-8, 8, 42).round(4).tolist())  # of the histogram, in root mean squares


def gradient_tails(subject: Subject) -> list[Row]:
    """One row per weight: its `layer` and what `tails` says about its gradient.

    Scales and shifts, which are few, are left out.
    """
    gradient = subject.gradient()
    return [{"layer": layer_of(name), **tails(g)} for name, g in gradient.items() if g.ndim > 1]


def layer_of(parameter: str) -> str:
    """The path of the layer that has this weight, rewritten or not."""
    rewritten = ".parametrizations.weight.original"
    return parameter.removesuffix(".weight").removesuffix(rewritten)


def tails(values: Tensor) -> Row:
    """Shape of a distribution.

    `rms` is the root mean square; `kurtosis` the fourth central moment over the squared variance,
    3 for a Gaussian; `tail` the 99.9th percentile of the absolute values over their median, about
    4.9 for a Gaussian; `histogram` the shares between EDGES of values / rms, what lies beyond
    counted in the outermost. Not finite where all values are equal, or more than half are zero.
    """
    flat = values.detach().flatten().double().cpu().numpy()
    centred = flat - flat.mean()
    rms, size = np.sqrt(np.square(flat).mean()), np.abs(flat)
    with np.errstate(divide="ignore", invalid="ignore"):
        kurtosis = np.power(centred, 4).mean() / np.square(np.square(centred).mean())
        middle, far = np.quantile(size, (0.5, 0.999))
        relative = np.clip(flat / rms, EDGES[0], EDGES[-1])
    counts = np.histogram(relative, EDGES)[0] if rms > 0 else np.full(len(EDGES) - 1, np.nan)
    return {
        "rms": float(rms),
        "kurtosis": float(kurtosis),
        "tail": float(np.divide(far, middle)) if middle > 0 else float("inf"),
        "histogram": (counts / flat.size).tolist(),
    }
