"""A store with snapshots made of numbers: for tests of the pages that draw what a layer believes.

Everything a snapshot says is consistent: truth and prior are drawn, the micro-batches are samples
of the truth, posteriors come from the update, and errors, curves and oracle gains from all of them.
"""

from dataclasses import dataclass
from math import erf, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from bkn.experiment import Race
from bkn.replay import UPDATES, Moments
from bkn.snapshot import BINS, GAINS, KEPT_CHANNELS, KEPT_GROUPS, SPAN, LayerLayout, Layout
from bkn.store.home import store_path
from bkn.store.writer import Writer
from tests.app.network_maps import Map

ESTIMATES = (
    "seen_mean", "seen_var", "prior_mean", "prior_var", "posterior_mean", "posterior_var",
)  # fmt: skip
PER_CHANNEL = (
    "truth_mean", "truth_var", "running_mean", "running_var", "gain", "var_gain", "gain_oracle",
    "var_gain_oracle", "output_mean", "output_var", "consistency_mean", "consistency_var",
)  # fmt: skip
WITHOUT_BELIEFS = ("truth_mean", "truth_var", "histogram", "output_mean", "output_var")
FULL = ("input_mean", "input_std", "output_mean_error", "output_var_error", "gradient_norm",
        "weight_norm", "update_ratio")  # fmt: skip
GAP = ("loss_batch", "loss_stored", "accuracy_batch", "accuracy_stored")
METRICS = ("observation", "prior", "posterior", "running", "theory")


@dataclass(frozen=True)
class World:
    """What a synthetic race looks like."""

    groups: int = 32  # micro-batches of the probe set
    values: int = 24  # per statistic
    gain: float = 0.1
    drift: float = 0.25  # deviations that priors are off in the middle, growing with depth and step


def layout_of(network: Map, race: Race, position: int, world: World) -> Layout:
    """What the snapshots of one entrant hold."""
    card = race.experiments[position].method_card
    layers = []
    for label, channels, places in network.norms:
        kept = min(channels, KEPT_CHANNELS)
        which = tuple(np.linspace(0, channels - 1, kept).round().astype(int).tolist())
        groups = min(KEPT_GROUPS, world.groups)
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(PER_CHANNEL, (kept,))
        shapes |= dict.fromkeys(ESTIMATES, (groups, kept))
        shapes |= {"mean_error": (4, kept), "var_error": (4, kept)}
        shapes |= {"mean_curve": (len(GAINS), kept), "var_curve": (len(GAINS), kept)}
        shapes["histogram"] = (BINS + 2, kept)
        if not card.estimates:
            shapes = {name: shapes[name] for name in WITHOUT_BELIEFS}
        blending = "mixture" if card.uses_prior else ""
        layers.append(LayerLayout(label, channels, which, places, world.groups, blending, shapes))
    return Layout(tuple(layers))


def arrays(
    layer: LayerLayout, off: float, uses_prior: bool, world: World, rng: np.random.Generator
) -> dict[str, Any]:
    """Every field of one layer; `off` is how far its priors are, in deviations; 0: it has none."""
    size, groups, n = len(layer.kept), world.groups, world.values
    truth = Moments(rng.normal(0, 0.6, size), np.exp(rng.normal(0, 0.4, size)))
    found: dict[str, Any] = {
        "truth_mean": truth.mean, "truth_var": truth.var,
        "histogram": np.repeat(shares()[:, None], size, 1),
        "output_mean": rng.normal(0, 0.1, size), "output_var": np.exp(rng.normal(0, 0.2, size)),
    }  # fmt: skip
    if "seen_mean" not in layer.fields:
        return found
    seen = Moments(
        truth.mean + np.sqrt(truth.var / n) * rng.standard_normal((groups, size)),
        truth.var * rng.chisquare(n - 1, (groups, size)) / n,
    )
    has_prior = uses_prior and off > 0

    def mixed(own: float) -> np.ndarray:  # what a channel's priors share, and what they do not
        return off * (rng.standard_normal(size) + own * rng.standard_normal((groups, size)))

    prior = Moments(truth.mean + np.sqrt(truth.var) * mixed(0.2), truth.var * np.exp(mixed(0.4)))
    if not has_prior:
        prior = Moments(*np.full((2, groups, size), np.nan))

    def blended(gain: float) -> Moments:
        return UPDATES["mixture"](prior, seen, gain)

    posterior = blended(world.gain) if has_prior else seen
    running = Moments(posterior.mean.mean(0), posterior.var.mean(0))
    sources = (seen, prior, posterior, running)
    errors = [np.stack([error(s, truth)[at] for s in sources]) for at in (0, 1)]
    replayed = [error(blended(gain), truth) for gain in GAINS]
    curves = [np.stack([one[at] for one in replayed]) for at in (0, 1)]
    best = [np.array(GAINS)[np.nan_to_num(c, nan=1e9).argmin(0)] for c in curves]
    kept = layer.fields["seen_mean"][0]
    for name, moments in zip(("seen", "prior", "posterior"), sources, strict=False):
        found |= {f"{name}_mean": moments.mean[:kept], f"{name}_var": moments.var[:kept]}
    gain = world.gain if has_prior else 1.0
    return found | {
        "running_mean": running.mean, "running_var": running.var,
        "gain": np.full(size, gain), "var_gain": np.full(size, gain),
        "gain_oracle": best[0] if has_prior else np.full(size, np.nan),
        "var_gain_oracle": best[1] if has_prior else np.full(size, np.nan),
        "mean_error": errors[0], "var_error": errors[1],
        "mean_curve": curves[0], "var_curve": curves[1],
        "consistency_mean": np.full(size, 1.5), "consistency_var": np.full(size, 0.8),
    }  # fmt: skip


def error(estimate: Moments, truth: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Errors of mean and variance per channel, averaged over micro-batches, as snapshots define."""
    mean = (np.atleast_2d(estimate.mean) - truth.mean) ** 2 / truth.var
    var = np.log(np.atleast_2d(estimate.var) / truth.var) ** 2
    return mean.mean(0), var.mean(0)


def shares() -> np.ndarray:
    """The histogram of a Gaussian: below, the bins, above."""
    edges = np.linspace(-SPAN, SPAN, BINS + 1)
    below = np.array([0.5 * (1 + erf(edge / sqrt(2))) for edge in edges])
    return np.concatenate([below[:1], np.diff(below), 1 - below[-1:]])


def write_race(
    home: Path,
    network: Map,
    entrants: tuple[str, ...] = ("batch", "group", "kalman"),
    steps: tuple[int, ...] = (0, 30, 60, 90, 120),
    race_id: str = "synthetic",
    status: str = "finished",
    world: World | None = None,
    **common: Any,
) -> Path:
    """Write a race with network, layouts and snapshots; the place of its store.

    Args:
        home: folder of the store.
        network: from tests.app.network_maps.
        entrants: as the command line writes them.
        steps: after which there are snapshots.
        race_id: its name.
        status: of every run.
        world: what the numbers look like.
        common: settings of the experiments.
    """
    race, world, path = Race.of(entrants, **common), world or World(), store_path(home)
    with Writer(path) as writer, writer.transaction():
        writer.add_race(race_id, race)
        for position, run in enumerate(writer.run_ids(race_id)):
            layout = layout_of(network, race, position, world)
            writer.set_document(run, "network", network.to_json())
            writer.set_document(run, "layout", layout.to_json())
            name_columns(writer, run, [layer.label for layer in layout.layers], race, position)
        add_snapshots(writer, race_id, race, network, steps, world)
        for run in writer.run_ids(race_id):
            writer.set_status(run, status, steps[-1] if steps else 0)
    return path


def add_snapshots(
    writer: Writer,
    race_id: str,
    race: Race,
    network: Map,
    steps: tuple[int, ...],
    world: World | None = None,
) -> None:
    """Snapshots and full rows of every run after these steps."""
    world = world or World()
    for position, run in enumerate(writer.run_ids(race_id)):
        layout = layout_of(network, race, position, world)
        card = race.experiments[position].method_card
        for step in steps:
            rng = np.random.default_rng(position)  # the same at every step: what moves is the drift
            late = world.drift * (1 - 0.7 * np.exp(-step / 60)) / len(layout.layers)
            found = {
                layer.label: arrays(layer, late * k * 3, card.uses_prior, world, rng)
                for k, layer in enumerate(layout.layers)
            }
            writer.add_snapshot(run, step, 0.1 * step, layout.pack(found))
            add_rows(writer, run, step, found, card.estimates, rng)


def name_columns(writer: Writer, run: int, labels: list[str], race: Race, position: int) -> None:
    """The streams that go with snapshots."""
    writer.set_columns(run, "full", [*GAP, *(f"{la}/{m}" for la in labels for m in FULL)])
    if race.experiments[position].method_card.estimates:
        names = [f"{what}_error_{m}" for what in ("mean", "var") for m in METRICS]
        writer.set_columns(run, "probe", [f"{la}/{name}" for la in labels for name in names])


def add_rows(
    writer: Writer, run: int, step: int, found: dict[str, Any], probed: bool, rng: Any
) -> None:
    """One row of each of these streams."""
    gap = [0.4, 0.3, 0.9, 0.93]
    depth = [v for k in range(len(found)) for v in (0.1 * k, 1 + 0.1 * k, 0.01, 0.04,
             0.2 * np.exp(-0.2 * k), 3.0, 0.002)]  # fmt: skip
    writer.add_row(run, "full", step, 0.1 * step, [*gap, *depth])
    if probed:
        errors = [
            value
            for layer in found.values()
            for what in ("mean", "var")
            for value in (*layer[f"{what}_error"].mean(1), 1 / 24)
        ]
        writer.add_row(run, "probe", step, 0.1 * step, errors)
