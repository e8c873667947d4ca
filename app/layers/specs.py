"""The figures of the Layers page, made from a scene; nothing here draws."""

import numpy as np

from app.figures.depth import PANELS, Profile, depth
from app.figures.errors import Moment, shown, told
from app.figures.layer_belief import Curve, belief, curves
from app.figures.layer_gains import gains
from app.figures.layer_helped import Helped, helped
from app.figures.layer_replay import WhatIf, replay
from app.figures.map_layout import MapLayout
from app.figures.network_map import network_map
from app.figures.spec import Spec
from app.layers import numbers, words
from app.layers.history import Snapshot
from app.layers.link import ERRORS
from app.layers.scene import Scene
from app.palette import inks, tokens
from bkn.snapshot import SOURCES


def network(scene: Scene, drawn: MapLayout, snapshot: Snapshot) -> Spec:
    """The map, coloured by the chosen error."""
    key = scene.source, scene.what
    errors = {
        label: float(shown(scene.what, found.get(key, np.nan)))
        for label, found in snapshot.errors.items()
    }
    return network_map(
        drawn, errors, scene.what, ERRORS[scene.source], scene.label, f"{scene.revision} map",
        {label: hover(snapshot, scene, label) for label in errors}, words.recorded(snapshot),
    )  # fmt: skip


def hover(snapshot: Snapshot, scene: Scene, label: str) -> str:
    """All errors of a layer, a line each."""
    found = snapshot.errors[label]
    return "<br>".join(
        f"{ERRORS[source]}: {told(scene.what, float(shown(scene.what, found[source, scene.what])))}"
        for source in (*SOURCES, numbers.OUTPUT)
        if np.isfinite(found.get((source, scene.what), np.nan))
    )


def beliefs(scene: Scene) -> list[Curve]:
    """What is believed about the picked channel, the truth first."""
    return curves(
        scene.layer[1], scene.index, scene.group, scene.card.uses_prior, scene.replayed,
        scene.q or 0.0,
    )  # fmt: skip


def of_channel(scene: Scene, drawn: list[Curve]) -> Spec:
    """The picked channel."""
    layout, arrays = scene.layer
    return belief(
        arrays, drawn, scene.index, scene.group, scene.ink,
        f"What does {scene.label} believe about channel {layout.kept[scene.index]}?",
        f"{scene.revision} {scene.label} {scene.index}",
    )  # fmt: skip


def of_gains(scene: Scene) -> Spec:
    """Gain in use and oracle gain by channel."""
    layout, arrays = scene.layer
    return gains(arrays, layout.kept, scene.index, scene.ink, f"{scene.revision} {scene.label}")


def of_help(scene: Scene, snapshot: Snapshot) -> Spec:
    """Prior or data, layer by layer."""
    layers = [
        Helped(label, part, {s: snapshot.errors[label][s, scene.what] for s in SOURCES})
        for label, part in snapshot.shares[scene.what].items()
    ]
    return helped(layers, scene.what, scene.label, scene.ink, f"{scene.revision} {scene.what}")


def of_replay(scene: Scene, q: float) -> Spec:
    """The picked layer's update repeated with every gain."""
    found = []
    both: tuple[Moment, Moment] = ("mean", "var")
    for what in both:
        one = numbers.replay(scene.layer[1], what)
        if one is not None:
            found.append(WhatIf(what, one.gains, shown(what, one.errors), one.best, one.used))
    return replay(found, q, scene.ink, scene.label or "", f"{scene.revision} {scene.label}")


def of_depth(scene: Scene, step: int) -> Spec:
    """Activations, gradients and normalized output by depth, of all entrants, at a step."""
    cache = scene.cache
    profiles, layers = [], []
    for position, ink in enumerate(inks(cache.race)):
        values = {}
        for metric, *_ in PANELS:
            heat = cache.heat(position, metric)
            if len(heat.steps):
                column = int(np.abs(heat.steps - step).argmin())
                values[metric], layers = heat.values[:, column], heat.layers
        if values:
            profiles.append(Profile(position, ink, values))
    gap = words.train_eval_gap(
        scene, *(near(scene, column, step) for column in ("loss_batch", "loss_stored"))
    )
    return depth(profiles, layers, tokens(cache.race), gap, scene.label, scene.race_id)


def near(scene: Scene, column: str, step: int) -> float | None:
    """A scalar of the run at the recorded step that is nearest."""
    curve = scene.cache.curve(scene.position, column)
    if not len(curve.steps):
        return None
    return float(curve.values[np.abs(curve.steps - step).argmin()])
