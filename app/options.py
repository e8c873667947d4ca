"""The widgets for options of cards: made from a parameter's range, with its meaning in steps."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import address
from bkn.cards import Card, Param
from bkn.catalog import DATASETS, METHODS, NETWORKS

Read = Callable[[str], Any]  # a setting's value by its name
STOPS = 20  # parts of a slider's range


def used_cards(value: Read) -> list[Card]:
    """The chosen methods, network and dataset."""
    chosen: list[Card] = [METHODS[text] for text in value("methods") if text in METHODS]
    return [*chosen, NETWORKS[value("network")], DATASETS[value("dataset")]]


def used_options(value: Read) -> list[str]:
    """Keys of the options that act on them."""
    return [address.option_key(card, p) for card in used_cards(value) for p in card.params]


def option_label(card: Card, param: Param, value: Read) -> str:
    """What an option is called; a share of the planned steps also says which step that is."""
    label = f"{card.title.split(',')[0]}: {param.name}"
    share = value(address.option_key(card, param))
    if not param.of_steps or isinstance(share, str):
        return label
    batches = DATASETS[value("dataset")].train // max(1, value("batch"))
    if not batches:  # of pictures that only the disk can count
        return label
    planned = max(0, value("epochs")) * batches
    return f"{label} (step {round(share * planned):,} of {planned:,})"


def option(draw: Callable[..., None], name: str, label: str, param: Param, current: Any) -> None:
    """The widget that suits one option of a card.

    A slider shows the range at a glance; a number whose default lies between its stops, a small
    rate say, is typed.
    """
    if param.low is None or param.high is None:
        draw(st.selectbox, name, label, param.choices, help=param.help)
    elif not param.choices and (param.integer or param.default not in stops(param, param.low)):
        exact = {"step": 1} if param.integer else {"step": param.default, "format": "%g"}
        draw(st.number_input, name, label, **exact, help=f"{param.help} {param.allowed}.")
    else:
        draw(st.select_slider, name, label, stops(param, current), help=param.help)


def stops(param: Param, current: Any) -> list[Any]:
    """Stops of an option's slider: 21 numbers over its range, the current one, then its words.

    Whole numbers where the option is one; of a short range all.
    """
    low, high = param.low or 0.0, param.high or 1.0
    digits = None if param.integer else 10
    numbers = {round(low + (high - low) * i / STOPS, digits) for i in range(STOPS + 1)}
    if not isinstance(current, str):
        numbers.add(current)
    return [*sorted(numbers), *param.choices]
