"""A scene from what a race recorded: one channel of one layer, one micro-batch, after one step."""

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from app.kalman.averaged import Curve
from app.kalman.scene import Below, Scene
from bkn.experiment import Experiment
from bkn.replay import Moments, innovation_gains, moments
from bkn.snapshot import GAINS, LayerArrays, LayerLayout

FEW = 5  # channels of the layers below that are drawn
COMPUTED = "adaptive"  # the gain that comes from the innovations
GIVES_POSTERIOR = ("moments", "sampled")  # transitions that hand the posterior on as it is


def scene(
    arrays: Mapping[str, LayerArrays],
    layout: LayerLayout,
    index: int,
    group: int,
    experiment: Experiment,
    feeding: tuple[str, ...] | None = None,
) -> Scene:
    """One recorded update.

    Args:
        arrays: of one snapshot, by layer.
        layout: of the layer.
        index: of the channel, among the kept ones.
        group: row of the micro-batch.
        experiment: of the run.
        feeding: labels of the layers whose beliefs feed this one; None where that is unknown.
    """
    own = arrays[layout.label]
    prior = picked(own, "prior", group, index)
    gain, var_gain = float(own["gain"][index]), float(own["var_gain"][index])
    unused = prior is not None and gain == var_gain == 1.0
    asked = experiment.options.get("gain")
    rows = usable_groups(own)
    innovations = prior is not None and len(rows) > 1 and asked != COMPUTED
    return Scene(
        prior, picked(own, "seen", group, index) or moments(np.nan, np.nan),
        picked(own, "posterior", group, index) or moments(np.nan, np.nan),
        gain, var_gain, layout.blending,
        below=below(arrays, feeding or (), group, experiment) if prior is not None else None,
        truth=moments(own["truth_mean"][index], own["truth_var"][index]),
        m=experiment.micro_batch, places=layout.places,
        set_aside=unused, guarded=unused and asked != 1.0,
        asked=asked if isinstance(asked, float) else None,
        suggested=innovation_gains(*whole(own, index, rows)) if innovations else None,
        innovations=len(rows), own_past=prior is not None and feeding == (),
        corrected=asked == COMPUTED,
        shares=np.asarray(own["histogram"][:, index], dtype=float), recorded=True,
    )  # fmt: skip


def whole(arrays: LayerArrays, index: int, rows: list[int]) -> tuple[Moments, Moments]:
    """Prior and observation of a channel in all recorded micro-batches."""
    prior, seen = (
        moments(*(arrays[f"{name}_{what}"][rows, index] for what in ("mean", "var")))
        for name in ("prior", "seen")
    )
    return prior, seen


def picked(arrays: LayerArrays, name: str, group: int, index: int) -> Moments | None:
    """One belief as scalars; None where it is not a number."""
    found = moments(arrays[f"{name}_mean"][group, index], arrays[f"{name}_var"][group, index])
    return found if np.isfinite(found.mean) and np.isfinite(found.var) else None


def below(
    arrays: Mapping[str, LayerArrays], feeding: tuple[str, ...], group: int, experiment: Experiment
) -> Below | None:
    """What the layers below handed on: some of their channels; None where that is not recorded."""
    if experiment.options.get("transition") not in GIVES_POSTERIOR:
        return None
    found = [
        one
        for label in feeding
        for index in range(arrays[label]["posterior_mean"].shape[1])
        if (one := picked(arrays[label], "posterior", group, index)) is not None
    ]
    some = np.unique(np.linspace(0, len(found) - 1, min(FEW, len(found))).round().astype(int))
    return Below(tuple(found[at] for at in some)) if found else None


def curve(layout: LayerLayout, arrays: LayerArrays, index: int) -> Curve | None:
    """Error by gain as the probe replayed it for this channel; None without a prior."""
    mean, var = (arrays[f"{what}_curve"][:, index].astype(float) for what in ("mean", "var"))
    if not np.isfinite(mean).any():
        return None
    return Curve(
        np.array(GAINS), mean, var,
        float(arrays["gain_oracle"][index]), float(arrays["var_gain_oracle"][index]),
        f"Averaged over all {layout.groups} micro-batches of the probe, on the recorded "
        "statistics: with another gain the layers above would have seen something else.",
    )  # fmt: skip


def usable_groups(arrays: LayerArrays) -> list[int]:
    """Rows of the micro-batches that were recorded."""
    return [g for g, row in enumerate(arrays["seen_mean"]) if np.isfinite(row).any()]


@lru_cache(maxsize=16)
def feeds(network: str) -> dict[str, tuple[str, ...]]:
    """Label of a normalizer -> labels of those whose values reach it without passing another.

    Args:
        network: the document "network" of a run.
    """
    read: dict[str, list[Any]] = json.loads(network)
    labels = {node["id"]: node["label"] for node in read["nodes"] if node["label"]}
    behind: dict[int, list[int]] = defaultdict(list)
    for source, target in read["edges"]:
        behind[target].append(source)
    return {label: tuple(nearest(node, behind, labels)) for node, label in labels.items()}


def nearest(node: int, behind: dict[int, list[int]], labels: dict[int, str]) -> list[str]:
    """Labels of the first normalizers on all ways back from a node, each once."""
    found: dict[str, None] = {}
    seen, waiting = set(), list(behind[node])
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        if at in labels:
            found[labels[at]] = None
        else:
            waiting += behind[at]
    return list(found)
