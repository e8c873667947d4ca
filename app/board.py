"""The figures of a race in their three groups, and what a visitor picks in them."""

from typing import Literal

import streamlit as st

from app import figures
from app.figures.estimates import shown_entrant
from app.figures.heat import estimating
from app.live import figure
from bkn.store.cache import RaceCache

Moment = Literal["var", "mean"]
MOMENTS: dict[Moment, str] = {"var": "variance", "mean": "mean"}
TALL, HALF = 318, 342  # pixels; two HALF reach as far as two TALL with the pickers between them


def estimates(picture: RaceCache, explain: bool) -> None:
    """How wrong is each layer, and who is right about the picked one."""
    layer = picked_layer(picture)
    figure(
        "fig_error", figures.error_heat(picture, layer), height=TALL, explain=explain,
        on_pick=pick_layer,
    )  # fmt: skip
    entrant, moment = pickers(picture)
    figure(
        "fig_estimates", figures.estimates(picture, layer, entrant, moment),
        height=TALL, explain=explain,
    )  # fmt: skip


def training(picture: RaceCache, explain: bool) -> None:
    """The loss that is minimised and the accuracy that counts."""
    figure("fig_loss", figures.loss(picture), height=HALF, explain=explain)
    figure("fig_accuracy", figures.accuracy(picture), height=HALF, explain=explain)


def filter_group(picture: RaceCache, explain: bool) -> None:
    """How far the filter trusts the micro-batch, and whether it is honest about its surprise."""
    layer = picked_layer(picture)
    left, right = st.columns(2, gap="small")
    with left:
        figure("fig_gain", figures.gain(picture, layer), height=TALL, explain=explain)
    with right:
        figure("fig_innovation", figures.innovation(picture, layer), height=TALL, explain=explain)


def layers_of(picture: RaceCache) -> list[str]:
    """Labels of the layers that the race's probe watches."""
    entrant = shown_entrant(picture)
    return [] if entrant is None else picture.layers(entrant)


def picked_layer(picture: RaceCache) -> str | None:
    """The layer in the picker; the deepest one until somebody picks."""
    layers = layers_of(picture)
    picked = st.session_state.get("layer")
    return picked if picked in layers else layers[-1] if layers else None


def pick_layer(layer: str) -> None:
    """A click in a figure picks a layer."""
    st.session_state["layer"] = layer


def pickers(picture: RaceCache) -> tuple[int | None, Moment]:
    """The row that chooses layer, method and moment of the chart below it."""
    layers, able, labels = layers_of(picture), estimating(picture), picture.race.labels
    first = shown_entrant(picture)
    if first is None or not layers:
        return None, "var"
    with st.container(horizontal=True, vertical_alignment="center", key="pickers"):
        st.selectbox(
            "Layer", layers, index=len(layers) - 1, key="layer", label_visibility="collapsed"
        )
        entrant = st.selectbox(
            "Method", able, index=able.index(first), key="entrant",
            format_func=lambda position: labels[position], label_visibility="collapsed",
        )  # fmt: skip
        moment = st.segmented_control(
            "Moment", list(MOMENTS), key="moment", format_func=MOMENTS.__getitem__,
            default="var", required=True, label_visibility="collapsed",
        )  # fmt: skip
    return entrant, moment
