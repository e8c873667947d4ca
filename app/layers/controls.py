"""The widgets of the Layers page: which race and error, when, which channel, which gain."""

import time
from typing import Literal

import streamlit as st

from app.address import MOMENTS
from app.layers import numbers
from app.layers.link import ERRORS, STEP
from app.layers.scene import (
    MOVED,
    PLAYING,
    RECORDED,
    WATCHED,
    WRONG,
    Scene,
    entrants,
    nearest,
    sources,
)
from app.live import Pick
from app.watch import RUN
from app.widgets import begin_anew, explain, order, value, widget

SHORT = ERRORS | {"running": "running"}
RACES = {WATCHED: "your race", RECORDED: "recorded race"}


def heard() -> None:
    """Callback of every widget: what the link got wrong has been seen."""
    st.session_state[WRONG] = []


def top(scene: Scene) -> None:
    """Whose layers are shown, coloured by which error."""
    labels = scene.cache.race.labels
    with st.container(horizontal=True, vertical_alignment="center", key="layers_top"):
        if st.session_state.get(RUN):
            widget(
                st.selectbox, "shown_race", "Race", list(RACES), format_func=RACES.__getitem__,
                on_change=heard, label_visibility="collapsed",
            )  # fmt: skip
        widget(
            st.selectbox, "entrant", "Method", entrants(scene.cache), on_change=heard,
            format_func=lambda position: labels[position], label_visibility="collapsed",
        )  # fmt: skip
        widget(
            st.segmented_control, "source", "Colours show the error of", sources(scene.card),
            required=True, format_func=SHORT.__getitem__, on_change=heard,
            label_visibility="collapsed",
        )  # fmt: skip
        widget(
            st.segmented_control, "moment", "Moment", list(MOMENTS), required=True,
            format_func=MOMENTS.__getitem__, on_change=heard, label_visibility="collapsed",
        )  # fmt: skip


def timeline(scene: Scene) -> bool:
    """Play, and the slider through the run's snapshots; its right end follows a live run.

    Returns whether the figures explain themselves.
    """
    playing = PLAYING in st.session_state
    with st.container(horizontal=True, vertical_alignment="center", key="timeline"):
        if playing:  # two buttons: a click that comes twice must not undo itself
            st.button("Pause", "rest", on_click=rest, icon=":material/pause:")
        else:
            st.button("Play", "play", on_click=play, args=(scene,), icon=":material/play_arrow:",
                      disabled=len(scene.steps) < 2)  # fmt: skip
        history_slider(scene, playing)
        st.html(f'<div class="bkn-now" role="status">{when(scene)}</div>')
        return explain()


def history_slider(scene: Scene, playing: bool) -> None:
    """The slider; while the picture plays, one that only shows where it is.

    The browser answers late with values that the play has left behind. Were they those of the
    visitor's slider, they would pass for a hand on it.
    """
    if not playing:
        widget(
            st.slider, "at", "Step", 0, scene.total, on_change=heard, label_visibility="collapsed"
        )
        return
    st.session_state["at_playing"] = st.session_state[PLAYING][1]
    widget(
        st.slider, "at_playing", "Step", 0, scene.total, disabled=True, label_visibility="collapsed"
    )


def when(scene: Scene) -> str:
    """step 84 of 210 · snapshot 9 of 23 · latest."""
    if scene.snapshot is None:
        return ""
    number = scene.steps.index(scene.snapshot.step) + 1
    parts = [
        f"step {scene.snapshot.step:,} of {scene.cache.race.common.steps:,}",
        f"snapshot {number} of {len(scene.steps)}",
    ]
    if number == len(scene.steps):
        parts.append("latest" if scene.race_id and scene.status == "running" else "last")
    return " · ".join(parts)


def play(scene: Scene) -> None:
    """Start from where the slider is, from the beginning if it is at the end."""
    state = st.session_state
    if PLAYING in state:
        return
    at = nearest(scene.steps, value("at"))
    state[PLAYING] = time.monotonic(), scene.steps[0] if at == scene.steps[-1] else at
    begin_anew("at")  # the slider that comes after the play is another one


def rest() -> None:
    """Stay where it is, and so does the visitor's slider, which was away."""
    if PLAYING in st.session_state:
        order("at", st.session_state.pop(PLAYING)[1])


def channel(scene: Scene) -> None:
    """Which channel and micro-batch of the layer are looked at."""
    layout, arrays = scene.layer
    with st.container(horizontal=True, vertical_alignment="bottom", key="channels"):
        labels = list(scene.snapshot.arrays) if scene.snapshot else []
        widget(st.selectbox, "layer", "Layer", labels, on_change=heard)
        if scene.card.estimates:
            widget(st.selectbox, "group", "Micro-batch", range(1, len(arrays["seen_mean"]) + 1),
                   on_change=heard,
                   help="Whose belief is drawn in full; the others stay faint.")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", key="one_channel"):
        widget(
            st.selectbox, "channel", "Channel", list(layout.kept), on_change=heard,
            help=f"{len(layout.kept)} of the layer's {layout.channels} channels are recorded.",
        )  # fmt: skip
        step_button("Previous channel", "previous", ":material/chevron_left:", layout.kept, -1)
        step_button("Next channel", "next", ":material/chevron_right:", layout.kept, 1)
        worst = layout.kept[numbers.worst_channel(arrays, scene.source, scene.what)]
        st.button(
            "Worst", "worst", on_click=pick_channel, args=(worst,),
            disabled=worst == layout.kept[scene.index],
            help=f"The channel where the {ERRORS[scene.source]}'s error is largest.",
        )  # fmt: skip


def step_button(
    words: str, key: Literal["previous", "next"], icon: str, kept: tuple[int, ...], by: int
) -> None:
    """One channel on or back, around the ends."""
    at = kept.index(value("channel"))
    target = kept[(at + by) % len(kept)]
    st.button("", key, icon=icon, help=words, on_click=pick_channel, args=(target,),
              disabled=len(kept) < 2)  # fmt: skip


def pick_channel(number: int | Pick) -> None:
    """A button or a click in a figure picks a channel."""
    order("channel", int(number))
    heard()


def pick_layer(label: str) -> None:
    """A click in a figure picks a layer."""
    order("layer", str(label))
    heard()


def what_if(scene: Scene) -> float:
    """The slider of the other gain."""
    st.session_state.setdefault("q", 0.5)
    label = "What if q, the weight of the micro-batch, were …"
    return float(widget(st.slider, "q", label, 0.0, 1.0, step=STEP, on_change=chose_q))


def chose_q() -> None:
    """From now on the replayed posterior is drawn with the others."""
    st.session_state[MOVED] = True
    heard()
