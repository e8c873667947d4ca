"""The settings in the sidebar: widgets made from the catalogue's cards, and the Race they ask for.

Every setting lives in `st.session_state` under its widget's key (see `app.widgets`), seeded once
from the URL and written back to it after every change. A hidden widget's setting stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import address, chosen, pages, whose, widgets
from app.moved import forget, known, moved
from app.options import option, option_label, used_cards, used_options
from bkn.cards import Card
from bkn.catalog import DATASETS, METHODS, NETWORKS
from bkn.entrants import parse_entrant
from bkn.experiment import AUGMENTS, LAYOUTS, NUMBERS, PROBES, Experiment, Race, fitting

BATCHES = tuple(2**power for power in range(1, 11))
PROBE_WORDS = {
    "off": "off",
    "light": "light: every layer's errors",
    "full": "full: every channel, for the Layers page",
}
LAYOUT_WORDS = {"sample_major": "side by side", "copy_major": "far apart"}
AUGMENT_WORDS = {"none": "none", "crop": "pad and crop", "crop_flip": "pad, crop and flip"}
SETTINGS = (  # of an Experiment, that are widgets of their own
    "dataset", "network", "batch", "micro_batch", "lr", "epochs", "seed", "copies", "layout",
    "augment",
)  # fmt: skip
MOST_COPIES = int(NUMBERS["copies"][1])
HIDE = "_hide"  # key of the controls that the link hides; a visit to another page loses the link
LOOKS = "_looks"  # key of how the link wants the race to be looked at
LIVE = ("lr", "micro_batch", "speed")  # act on a running race, as do options flagged live


@dataclass(frozen=True)
class Wanted:
    """What the settings ask for: a race, or the reason why there is none."""

    race: Race | None
    problem: str  # "" when there is a race
    speed: float | None  # steps per second; None: as fast as it goes
    values: Mapping[str, Any] = field(default_factory=dict)  # setting: value, for the URL


def seed(url: Mapping[str, list[str]], race: Race | None) -> None:
    """Fill a new session's settings: from the URL, else the watched race, else defaults."""
    st.session_state[HIDE] = list(url.get("hide", ()))
    given, st.session_state["_link"] = address.read(url)
    known = address.of_race(race) if race else {}
    for name in (*address.DEFAULTS, *address.OPTIONS):
        widgets.order(name, given.get(name, known.get(name, address.default(name))))
    st.session_state[LOOKS] = {
        name: given.get(name, default) for name, default in address.LOOKS.items()
    }
    forget()


def keep(values: Mapping[str, Any], looks: Mapping[str, str], race_id: str) -> None:
    """Write settings, looks and the watched race into the address bar, where they differ.

    The session knows them best: a refresh that was already on its way brings an old address.
    """
    here = {name: st.query_params.get_all(name) for name in st.query_params}
    link = address.write({**values, **looks}) | ({"run": [race_id]} if race_id else {})
    link |= {"hide": st.session_state[HIDE]} if st.session_state.get(HIDE) else {}
    if link != here:
        st.query_params.from_dict(link)


def hold() -> None:
    """Keep the settings while another page is shown: Streamlit forgets widgets it does not draw."""
    whose.take(whose.RACE)
    widgets.hold((*address.DEFAULTS, *address.OPTIONS, *address.LOOKS, "follow"))


def value(name: str) -> Any:
    """A setting's value in this session, whether or not its widget is on the page."""
    return widgets.value(name, address.default(name))


def settle() -> None:
    """What follows from a move, before the widgets are drawn: m must divide the new batch."""
    before = known()
    now = {name: value(name) for name in address.DEFAULTS}
    gone = moved(now, before)
    if gone:
        st.session_state["_link"] = []  # what the link got wrong has been seen
    images = now["batch"] * now["copies"]
    if {"batch", "copies"} & set(gone) and images % now["micro_batch"]:
        fits = [m for m in fitting(images) if m <= now["micro_batch"]]
        widgets.order("micro_batch", fits[-1])
        before["micro_batch"] = fits[-1]


def wanted() -> Wanted:
    """The Race that the settings describe."""
    values = {name: value(name) for name in (*address.DEFAULTS, *used_options(value))}
    speed = None if values["speed"] == address.FULL_SPEED else float(values["speed"])
    try:
        return Wanted(build(values), "", speed, values)
    except ValueError as error:
        return Wanted(None, str(error), speed, values)


def build(values: Mapping[str, Any]) -> Race:
    """A Race from settings; options apply to the entrants that name none themselves.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """
    return Race.of(
        chosen.entrants(values),
        probe=values["probe"],
        network_options=chosen.options(values, NETWORKS[values["network"]]),
        dataset_options=chosen.options(values, DATASETS[values["dataset"]]),
        **{name: values[name] for name in SETTINGS},
    )


def entrants() -> list[str]:
    """What `methods` offers: every method, and some again with a word for one of their options."""
    offered = []
    for card in METHODS.values():
        offered.append(card.key)
        offered += [
            f"{card.key}:{param.name}={choice}"
            for param in card.params
            for choice in param.choices
            if param.offered and choice != param.default
        ]
    return offered


def entrant_words(text: str) -> str:
    """An entrant as people read it; one that is wrong reads as it was written."""
    try:
        method, options = parse_entrant(text)
    except ValueError:
        return text
    return Experiment(method=method, options=options).label


def network_words(key: str) -> str:
    """A network as people read it in a long list, where typing finds it: by name or origin."""
    card = NETWORKS[key]
    return f"{card.title} · {card.origin}" if card.origin else card.title


def sidebar() -> None:
    """Draw the settings, except those that the link hides."""
    settle()
    hidden = address.hidden({"hide": st.session_state[HIDE]})

    def draw(kind: Callable[..., Any], name: str, label: str, *args: Any, **more: Any) -> None:
        if name not in hidden:
            widgets.widget(kind, name, label, *args, **more)

    def title(cards: Mapping[str, Card]) -> Callable[[str], str]:
        return lambda key: cards[key].title

    draw(st.selectbox, "dataset", "Images", list(DATASETS), format_func=title(DATASETS))
    draw(st.selectbox, "network", "Network", list(NETWORKS), format_func=network_words)
    if NETWORKS[value("network")].effort:
        st.caption(NETWORKS[value("network")].effort)
    draw(
        st.multiselect, "methods", "Methods", entrants(),
        format_func=entrant_words, accept_new_options=True, placeholder="Choose 1 to 8",
    )  # fmt: skip
    st.page_link(pages.methods(), label="What are these?", icon=":material/grid_view:")
    batch, micro_batch, copies = value("batch"), value("micro_batch"), value("copies")
    draw(
        st.select_slider, "batch", "Images per optimizer step, B",
        sorted({*BATCHES, batch}),
    )  # fmt: skip
    draw(
        st.select_slider, "micro_batch", "Images per statistic, m",
        sorted({*fitting(batch * copies), micro_batch}),
    )  # fmt: skip
    st.caption(devices(batch, micro_batch, copies))
    draw(
        st.number_input, "lr", "Peak learning rate", step=0.01, format="%g",
    )  # fmt: skip
    with st.expander("More: epochs, seed, augmentation, copies, probe, speed"):
        draw(st.number_input, "epochs", "Epochs", step=1)
        draw(st.number_input, "seed", "Seed", step=1)
        draw(
            st.selectbox, "augment", "Augmentation", AUGMENTS,
            format_func=lambda key: AUGMENT_WORDS[key],
            help="Every training image, in every step anew: padded by an eighth of its size, "
            "cropped back somewhere, and mirrored half of the times. The same for all methods. "
            "Mirrored digits are other signs: leave the flip to pictures of things.",
        )  # fmt: skip
        draw(
            st.number_input, "copies", "Copies of every image", 1, MOST_COPIES, step=1,
            help="In every step each image comes so many times, each time shifted (or "
            "augmented) otherwise. 1: once.",
        )  # fmt: skip
        draw(
            st.selectbox, "layout", "Order of the copies", LAYOUTS,
            format_func=lambda key: LAYOUT_WORDS[key],
            help="Side by side: a micro-batch holds copies of one image. Far apart: distinct "
            "images.",
        )  # fmt: skip
        draw(
            st.selectbox, "probe", "Probe", PROBES, format_func=lambda key: PROBE_WORDS[key],
        )  # fmt: skip
        draw(st.selectbox, "speed", "Speed", address.SPEEDS, format_func=speed_words)
    with st.expander("Options of the methods, the network and the images"):
        for card in used_cards(value):
            for param in card.params:
                name = address.option_key(card, param)
                option(draw, name, option_label(card, param, value), param, value(name))


def devices(batch: int, micro_batch: int, copies: int = 1) -> str:
    """What (B, m) and the copies mean: the many devices that they stand for."""
    all_images = batch * copies
    whole = f"{batch}" if copies == 1 else f"{batch} × {copies}"
    pair = f"({whole}, {micro_batch})"
    if all_images % micro_batch:
        return f"{pair}: does not fit, {micro_batch} must divide {whole}"
    if micro_batch == all_images:
        return f"{pair}: one device, all images share one statistic"
    images = "image" if micro_batch == 1 else "images"
    count = all_images // micro_batch
    return f"{pair}: as on {count} devices with {micro_batch} {images} each"


def speed_words(speed: Any) -> str:
    """A speed as people read it."""
    if speed == address.FULL_SPEED:
        return "as fast as it goes"
    return f"{speed} step{'s' if speed != 1 else ''} a second"
