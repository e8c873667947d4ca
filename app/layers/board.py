"""The figures of the Layers page, made from a scene."""

from typing import Any

import numpy as np
import streamlit as st

from app.figures.depth import PANELS, Profile, depth
from app.figures.errors import shown, told
from app.figures.layer_belief import belief, curves
from app.figures.layer_gains import gains
from app.figures.layer_helped import Helped, helped
from app.figures.layer_replay import WhatIf, replay
from app.figures.network_map import height, network_map
from app.figures.spec import Spec
from app.layers import controls, numbers, words
from app.layers.link import ERRORS
from app.layers.scene import Scene
from app.live import figure
from app.palette import inks, tokens
from bkn.snapshot import SOURCES

TALL, MIDDLE, LOW = 430, 350, 300  # pixels


def draw(scene: Scene, explain: bool) -> None:
    """Everything there is to see, the most important first."""
    map_of(scene, explain)
    belief_of(scene, explain)
    if scene.card.uses_prior:
        left, right = st.columns(2, gap="small")
        with left:
            gains_of(scene, explain)
        with right:
            helped_of(scene, explain)
        what_if(scene, explain)
    by_depth(scene, explain)


def map_of(scene: Scene, explain: bool) -> None:
    """Which layer is worst; a click picks one."""
    drawn = scene.history.map
    if drawn is None:
        st.info("This run recorded no map of its network; its layers can be picked below.")
        return
    figure(
        "fig_map", map_spec(scene), height=height(drawn), explain=explain,
        on_pick=controls.pick_layer,
    )  # fmt: skip


def map_spec(scene: Scene) -> Spec:
    """The map, coloured by the chosen error."""
    drawn, snapshot = scene.history.map, scene.snapshot
    if drawn is None or snapshot is None:
        raise LookupError("no map to draw")
    key = scene.source, scene.what
    errors = {
        label: float(shown(scene.what, found.get(key, np.nan)))
        for label, found in snapshot.errors.items()
    }
    return network_map(
        drawn, errors, scene.what, ERRORS[scene.source], scene.label, f"{scene.revision} map",
        {label: hover(scene, label) for label in errors},
    )  # fmt: skip


def hover(scene: Scene, label: str) -> str:
    """All errors of a layer, a line each."""
    found = scene.snapshot.errors[label] if scene.snapshot else {}
    names = [
        s for s in (*SOURCES, numbers.OUTPUT) if np.isfinite(found.get((s, scene.what), np.nan))
    ]
    return "<br>".join(
        f"{ERRORS[s]}: {told(scene.what, float(shown(scene.what, found[s, scene.what])))}"
        for s in names
    )


def belief_of(scene: Scene, explain: bool) -> None:
    """The picked channel: figure at the left, numbers at the right."""
    layout, arrays = scene.layer
    drawn = curves(
        arrays, scene.index, scene.group, scene.card.uses_prior, scene.replayed, scene.q or 0.0
    )
    spec = belief(
        arrays, drawn, scene.index, scene.group, scene.ink,
        f"What does {scene.label} believe about channel {layout.kept[scene.index]}?",
        f"{scene.revision} {scene.label} {scene.index}",
    )  # fmt: skip
    left, right = st.columns([64, 36], gap="small")
    with left:
        figure("fig_belief", spec, height=TALL, explain=explain)
    with right, st.container(key="numbers"):
        controls.channel(scene)
        if drawn:
            st.html(f'<p class="bkn-said">{words.of_channel(scene, drawn)}</p>{words.table(drawn)}')


def gains_of(scene: Scene, explain: bool) -> None:
    """Gain in use and oracle gain by channel."""
    layout, arrays = scene.layer
    spec = gains(arrays, layout.kept, scene.index, scene.ink, f"{scene.revision} {scene.label}")
    figure("fig_gains", spec, height=MIDDLE, explain=explain, on_pick=controls.pick_channel)


def helped_of(scene: Scene, explain: bool) -> None:
    """Prior or data, layer by layer."""
    snapshot, layers = scene.snapshot, []
    for label, arrays in (snapshot.arrays if snapshot else {}).items():
        part = numbers.shares(arrays, scene.what)
        if part is not None and snapshot is not None:
            errors = {s: snapshot.errors[label][s, scene.what] for s in SOURCES}
            layers.append(Helped(label, part, errors))
    spec = helped(layers, scene.what, scene.label, scene.ink, f"{scene.revision} {scene.what}")
    figure("fig_helped", spec, height=MIDDLE, explain=explain, on_pick=controls.pick_layer)


def what_if(scene: Scene, explain: bool) -> None:
    """The picked layer's update repeated with another gain: the slider beside its curves."""
    left, right = st.columns([30, 70], gap="small")
    with left, st.container(key="what_if"):
        q = controls.what_if(scene)
        st.html(f'<p class="bkn-said">{words.replayed(scene, q)}</p>')
    found: list[Any] = []
    for what in ("mean", "var"):
        one = numbers.replay(scene.layer[1], "mean" if what == "mean" else "var")
        if one is not None:
            found.append(WhatIf(what, one.gains, shown(what, one.errors), one.best, one.used))
    spec = replay(found, q, scene.ink, scene.label or "", f"{scene.revision} {scene.label}")
    with right:
        figure("fig_replay", spec, height=LOW, explain=explain)


def by_depth(scene: Scene, explain: bool) -> None:
    """Activations, gradients and normalized output by depth, of all entrants."""
    cache, step = scene.cache, scene.snapshot.step if scene.snapshot else 0
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
    spec = depth(profiles, layers, tokens(cache.race), gap, scene.label, scene.race_id)
    figure("fig_depth", spec, height=TALL, explain=explain)


def near(scene: Scene, column: str, step: int) -> float | None:
    """A scalar of the run at the recorded step that is nearest."""
    curve = scene.cache.curve(scene.position, column)
    if not len(curve.steps):
        return None
    return float(curve.values[np.abs(curve.steps - step).argmin()])
