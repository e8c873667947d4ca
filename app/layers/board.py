"""The figures of the Layers page in their places, and what a click in them picks."""

import streamlit as st

from app.figures.network_map import height
from app.layers import controls, specs, words
from app.layers.history import Snapshot
from app.layers.scene import Scene
from app.live import figure

TALL, MIDDLE, LOW = 440, 350, 300  # pixels
LINE = 20  # pixels of a line below the map


def draw(scene: Scene, snapshot: Snapshot, explain: bool) -> None:
    """Everything there is to see, the most important first."""
    network(scene, snapshot, explain)
    belief(scene, explain)
    if scene.card.uses_prior:
        left, right = st.columns(2, gap="small")
        with left:
            figure(
                "fig_gains", specs.of_gains(scene), height=MIDDLE, explain=explain,
                on_pick=controls.pick_channel,
            )  # fmt: skip
        with right:
            figure(
                "fig_helped", specs.of_help(scene, snapshot), height=MIDDLE, explain=explain,
                on_pick=controls.pick_layer,
            )  # fmt: skip
        what_if(scene, explain)
    figure("fig_depth", specs.of_depth(scene, snapshot.step), height=TALL, explain=explain)


def network(scene: Scene, snapshot: Snapshot, explain: bool) -> None:
    """Which layer is worst; a click picks one."""
    drawn = scene.history.map
    if drawn is None:
        st.info("This run recorded no map of its network; its layers can be picked below.")
        return
    spec = specs.network(scene, drawn, snapshot)
    figure(
        "fig_map", spec, height=height(drawn) + (LINE if spec["note"] else 0), explain=explain,
        on_pick=controls.pick_layer,
    )  # fmt: skip


def belief(scene: Scene, explain: bool) -> None:
    """The picked channel: figure at the left, numbers at the right."""
    drawn = specs.beliefs(scene)
    left, right = st.columns([64, 36], gap="small")
    with left:
        figure("fig_belief", specs.of_channel(scene, drawn), height=TALL, explain=explain)
    with right, st.container(key="numbers"):
        controls.channel(scene)
        if drawn:
            st.html(f'<p class="bkn-said">{words.of_channel(scene, drawn)}</p>{words.table(drawn)}')


def what_if(scene: Scene, explain: bool) -> None:
    """The picked layer's update repeated with another gain: the slider beside its curves."""
    left, right = st.columns([30, 70], gap="small")
    with left, st.container(key="what_if"):
        q = controls.what_if(scene)
        st.html(f'<p class="bkn-said">{words.replayed(scene, q)}</p>')
    with right:
        figure("fig_replay", specs.of_replay(scene, q), height=LOW, explain=explain)
