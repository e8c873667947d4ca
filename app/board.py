"""The figures of a race in their three groups, and what a visitor picks in them."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from app import figures, widgets
from app.address import ACCURACIES, MOMENTS
from app.figures.estimates import shown_entrant
from app.figures.heat import estimating, panel_rows
from app.figures.training import has_held_out
from app.forms import LOOKS
from app.live import figure
from bkn.store.cache import RaceCache

Moment = Literal["var", "mean"]
TALL, HALF = 318, 342  # pixels; two HALF reach as far as two TALL with the pickers between them
SWITCH = 20  # pixels that each HALF gives to the switch between them
LOWER = 150  # pixels more for every further row of heat maps


def estimates(picture: RaceCache, explain: bool) -> None:
    """How wrong is each layer, and who is right about the picked one."""
    layer = picked_layer(picture)
    figure(
        "fig_error", figures.error_heat(picture, layer), height=TALL + lower(picture),
        explain=explain, on_pick=pick_layer,
    )  # fmt: skip
    entrant, moment = pickers(picture)
    figure(
        "fig_estimates", figures.estimates(picture, layer, entrant, moment),
        height=TALL, explain=explain,
    )  # fmt: skip


def training(picture: RaceCache, explain: bool) -> None:
    """The loss that is minimised and the accuracy that counts."""
    switched = has_held_out(picture)
    height = HALF + lower(picture) // 2 - (SWITCH if switched else 0)
    figure("fig_loss", figures.loss(picture), height=height, explain=explain)
    held_out = switched and accuracy_on() == "held_out"
    figure("fig_accuracy", figures.accuracy(picture, held_out), height=height, explain=explain)


def lower(picture: RaceCache) -> int:
    """Pixels by which the figures are higher because the heat maps need more than one row."""
    return LOWER * (panel_rows(picture) - 1)


def accuracy_on() -> str:
    """The switch between the test images and those of the style held out of training."""
    chosen: str | None = st.segmented_control(
        "Accuracy on", list(ACCURACIES), key="accuracy", format_func=ACCURACIES.__getitem__,
        default=st.session_state[LOOKS]["accuracy"], required=True, label_visibility="collapsed",
    )  # fmt: skip
    return chosen or "test"


def filter_group(picture: RaceCache, explain: bool) -> None:
    """How far the filter trusts the micro-batch, and whether it is honest about its surprise."""
    layer = picked_layer(picture)
    left, right = st.columns(2, gap="small")
    with left:
        figure(
            "fig_gain", figures.gain(picture, layer), height=TALL, explain=explain,
            on_pick=pick_layer,
        )  # fmt: skip
    with right:
        figure(
            "fig_innovation", figures.innovation(picture, layer), height=TALL, explain=explain,
            on_pick=pick_layer,
        )  # fmt: skip


def layers_of(picture: RaceCache) -> list[str]:
    """Labels of the layers that the race's probe watches."""
    entrant = shown_entrant(picture)
    return [] if entrant is None else picture.layers(entrant)


def picked_layer(picture: RaceCache) -> str | None:
    """The layer in the picker; the deepest one until somebody picks."""
    layers = layers_of(picture)
    picked = widgets.value("layer")
    return picked if picked in layers else default_layer(layers) if layers else None


def pick_layer(layer: str) -> None:
    """A click in a figure picks a layer."""
    widgets.order("layer", layer)


def pickers(picture: RaceCache) -> tuple[int | None, Moment]:
    """The row that chooses layer, method and moment of the chart below it.

    What the link asks for is each widget's default, as far as this race has it.
    """
    layers, able, labels = layers_of(picture), estimating(picture), picture.race.labels
    first, link = shown_entrant(picture), st.session_state[LOOKS]
    if first is None or not layers:
        return None, "var"
    widgets.settle("layer", layers)  # another race has other layers and methods
    widgets.reword("entrant", labels)
    widgets.settle("entrant", able)
    asked = [position for position in able if str(position) == link["entrant"]]
    with st.container(horizontal=True, vertical_alignment="center", key="pickers"):
        widgets.widget(
            st.selectbox, "layer", "Layer", layers, index=layers.index(default_layer(layers)),
            label_visibility="collapsed",
        )  # fmt: skip
        entrant = widgets.widget(
            st.selectbox, "entrant", "Method", able, index=able.index(asked[0] if asked else first),
            format_func=lambda position: labels[position], label_visibility="collapsed",
        )  # fmt: skip
        moment = widgets.widget(
            st.segmented_control, "moment", "Moment", list(MOMENTS), default=link["moment"],
            format_func=MOMENTS.__getitem__, required=True, label_visibility="collapsed",
        )  # fmt: skip
    return entrant, "mean" if moment == "mean" else "var"


def default_layer(layers: Sequence[str]) -> str:
    """The layer that the link asks for, else the deepest."""
    asked: str = st.session_state[LOOKS]["layer"]
    return asked if asked in layers else layers[-1]


def looks(picture: RaceCache) -> dict[str, str]:
    """How the race is looked at, for the link: "" where nobody has chosen."""
    state, layers, first = st.session_state, layers_of(picture), shown_entrant(picture)
    layer, entrant = widgets.value("layer"), widgets.value("entrant")
    entrants = len(picture.race.labels)  # the race before may have had more
    return {
        "layer": layer if layer in layers[:-1] else "",
        "entrant": "" if entrant in (None, first) or entrant >= entrants else str(entrant),
        "moment": widgets.value("moment") or "var",
        "accuracy": state.get("accuracy") or "test",
        "explain": "on" if state.get("explain", True) else "off",
    }
