"""The Batch size page's settings in the sidebar, and the Sweep that they ask for."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any

import streamlit as st

from app import address, chosen, forms, pages, whose, widgets
from app.batch_size import link
from app.options import option, option_label, used_cards, used_options
from bkn.cards import Card
from bkn.catalog import DATASETS, NETWORKS
from bkn.experiment import AUGMENTS
from bkn.sweep import Sweep

POWERS = tuple(2**power for power in range(11))
MOST_RUNS = 3000  # of a sweep from this page: what a browser still draws at ease
HIDE = "_sweep_hide"  # key of the controls that the link hides
WRONG = "_sweep_link"  # key of what the link got wrong


@dataclass(frozen=True)
class Wanted:
    """What the settings ask for: a sweep, or the reason why there is none."""

    sweep: Sweep | None
    problem: str  # "" when there is a sweep
    values: Mapping[str, Any] = field(default_factory=dict)  # setting: value, for the URL


def value(name: str) -> Any:
    """A setting's value in this session, whether or not its widget is on the page."""
    return widgets.value(name, link.default(name))


def seed(url: Mapping[str, list[str]], sweep: Sweep | None) -> dict[str, Any]:
    """Fill a new session's settings: from the URL, else the watched sweep, else defaults.

    Returns how the link wants the sweep to be looked at.
    """
    state = st.session_state
    state[HIDE] = list(url.get("hide", ()))
    given, state[WRONG] = link.read(url)
    known = of_sweep(sweep) if sweep else {}
    for name in whose.NAMES[whose.BATCH_SIZE]:
        widgets.order(name, given.get(name, known.get(name, link.default(name))))
    if "explain" in given:
        state["explain"] = given["explain"] == "on"
    return {name: given.get(name, default) for name, default in link.LOOKS.items()}


def of_sweep(sweep: Sweep) -> dict[str, Any]:
    """The settings that would start this sweep again, as far as this page has them."""
    first = sweep.jobs[0].experiment
    settings: dict[str, Any] = {
        "dataset": sweep.datasets[0],
        "network": sweep.networks[0],
        "methods": list(sweep.methods),
        "micro_batches": sorted(sweep.micro_batches),
        "batches": sorted(sweep.batches),
        "lrs": link.typed(sorted(sweep.lrs)),
        "seeds": len(sweep.seeds),
        "first_seed": min(sweep.seeds),
        "epochs": first.epochs,
        "augment": first.augment,
    }
    for card, options in (
        (first.network_card, first.network_options),
        (first.dataset_card, first.dataset_options),
    ):
        settings |= {f"{card.key}_{name}": value for name, value in options.items()}
    return settings


def wanted() -> Wanted:
    """The Sweep that the settings describe."""
    names = (*link.DEFAULTS, *used_options(options_value))
    values = {name: value(name) for name in names}
    try:
        return Wanted(built(json.dumps(values)), "", values)
    except ValueError as error:
        return Wanted(None, str(error), values)


@lru_cache(maxsize=64)
def built(values: str) -> Sweep:
    """`build`, once for the same settings: expanding a large grid takes a tenth of a second."""
    return build(json.loads(values))


def build(values: Mapping[str, Any]) -> Sweep:
    """A Sweep from settings; options apply to the entrants that name none themselves.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """
    methods = chosen.entrants(values)
    sizes, batches = sorted(values["micro_batches"]), sorted(values["batches"])
    rates = link.numbers("lrs", values["lrs"])
    seeds = range(values["first_seed"], values["first_seed"] + values["seeds"])
    runs = prod(map(len, (methods, sizes, batches, rates, seeds)))
    if runs > MOST_RUNS:
        raise ValueError(
            f"this page starts at most {MOST_RUNS:,} runs, these settings ask for {runs:,}; "
            "python -m bkn sweep takes more"
        )
    common = {
        "epochs": values["epochs"],
        "augment": values["augment"],
        "network_options": chosen.options(values, NETWORKS[values["network"]]),
        "dataset_options": chosen.options(values, DATASETS[values["dataset"]]),
    }
    return Sweep(
        tuple(methods), tuple(sizes), tuple(batches), tuple(rates), (values["network"],),
        (values["dataset"],), tuple(seeds), common,
    )  # fmt: skip


def options_value(name: str) -> Any:
    """A setting for the widgets of options, which ask for one batch."""
    return max(value("batches"), default=64) if name == "batch" else value(name)


def sidebar() -> None:
    """Draw the settings, except those that the link hides."""
    hidden = address.hidden({"hide": st.session_state.get(HIDE, [])})

    def draw(kind: Callable[..., Any], name: str, label: str, *args: Any, **more: Any) -> None:
        if name not in hidden:
            widgets.widget(kind, name, label, *args, **more)

    def title(cards: Mapping[str, Card]) -> Callable[[str], str]:
        return lambda key: cards[key].title

    draw(st.selectbox, "dataset", "Images", list(DATASETS), format_func=title(DATASETS))
    draw(st.selectbox, "network", "Network", list(NETWORKS), format_func=forms.network_words)
    if NETWORKS[value("network")].effort:
        st.caption(NETWORKS[value("network")].effort)
    draw(
        st.multiselect, "methods", "Methods", forms.entrants(),
        format_func=forms.entrant_words, accept_new_options=True, placeholder="Choose some",
    )  # fmt: skip
    st.page_link(pages.methods(), label="What are these?", icon=":material/grid_view:")
    largest = max(value("batches"), default=64)
    sizes = sorted({*(m for m in POWERS if m <= largest), *value("micro_batches")})
    draw(
        st.pills, "micro_batches", "Images per statistic, m", sizes, selection_mode="multi",
        help="Micro-batches: so many images share one mean and one variance.",
    )  # fmt: skip
    draw(
        st.number_input, "seeds", "Seeds", *link.WHOLE["seeds"], step=1,
        help="Runs of every method at every m. For a seed all methods see the same initial weights "
        "and the same batches. With one nothing can be said about chance.",
    )  # fmt: skip
    draw(st.number_input, "epochs", "Epochs", step=1)
    with st.expander("More: batch, learning rates, first seed"):
        draw(
            st.multiselect, "batches", "Images per optimizer step, B",
            sorted({*POWERS, *value("batches")}), placeholder="Choose one or several",
        )  # fmt: skip
        draw(
            st.text_input, "lrs", "Peak learning rates", placeholder="0.01, 0.05, 0.2",
            help="One or several, with commas between: then each method is trained with each, and "
            "a figure shows which it bears.",
        )  # fmt: skip
        draw(st.number_input, "first_seed", "First seed", *link.WHOLE["first_seed"], step=1)
        draw(
            st.selectbox, "augment", "Augmentation", AUGMENTS,
            format_func=lambda key: forms.AUGMENT_WORDS[key],
        )  # fmt: skip
    with st.expander("Options of the methods, the network and the images"):
        for card in used_cards(options_value):
            for param in card.params:
                name = address.option_key(card, param)
                label = option_label(card, param, options_value)
                option(draw, name, label, param, value(name))


def keep(values: Mapping[str, Any], looks: Mapping[str, Any], sweep_id: str) -> None:
    """Write settings, looks and the watched sweep into the address bar, where they differ."""
    here = {name: st.query_params.get_all(name) for name in st.query_params}
    address_bar = link.write({**values, **looks}) | ({"sweep": [sweep_id]} if sweep_id else {})
    if hidden := st.session_state.get(HIDE):
        address_bar["hide"] = hidden
    if address_bar != here:
        st.query_params.from_dict(address_bar)
