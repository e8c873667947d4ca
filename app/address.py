"""Settings as they stand in the URL: read, judged and written.

Streamlit can bind a widget to a query parameter by itself, but it then writes the label that
people read ("Kalman norm, gain learned") and drops a value it does not know without a word. A
link should hold the names that the library and the command line use, and say what is wrong.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from bkn.cards import Card, Param, Value, pick
from bkn.catalog import ABSENT, DATASETS, METHODS, NETWORKS
from bkn.experiment import AUGMENTS, LAYOUTS, MAX_ENTRANTS, NUMBERS, PROBES, Race, number

Settings = dict[str, Any]

FULL_SPEED = "full"
SPEEDS = (FULL_SPEED, 1, 2, 5, 10, 20, 50, 100)  # steps per second
DEFAULTS: Settings = {
    "dataset": "digits",
    "network": "convnet",
    "methods": ["batch", "group", "kalman"],
    "batch": 64,
    "micro_batch": 2,
    "lr": 0.05,
    "epochs": 10,
    "seed": 0,
    "copies": 1,
    "layout": "sample_major",
    "augment": "none",
    "probe": "light",
    "speed": 20,  # slow enough to watch, and to leave the probe time to look often
}
LOOKS: Settings = {  # how a race is looked at; changes nothing about it
    "layer": "",  # the deepest
    "entrant": "",  # position of the method whose layer is shown; the first that estimates
    "moment": "var",
    "accuracy": "test",
    "explain": "on",
}
ACCURACIES = {"test": "Test images", "held_out": "Held-out style"}
MOMENTS = {"var": "variance", "mean": "mean"}
NOT_SETTINGS = ("run", "hide")  # which race is watched; which controls a teacher hides


def option_key(card: Card, param: Param) -> str:
    """Key of the widget, and name in the URL, of one option of a card: "kalman_gain"."""
    return f"{card.key}_{param.name}"


OPTIONS: dict[str, tuple[Card, Param]] = {
    option_key(card, param): (card, param)
    for cards in (METHODS, NETWORKS, DATASETS)
    for card in cards.values()
    for param in card.params
}


def default(name: str) -> Any:
    """What a setting is when neither the URL nor a person says otherwise."""
    if name in OPTIONS:
        return OPTIONS[name][1].default
    return DEFAULTS[name] if name in DEFAULTS else LOOKS[name]


def parse(name: str, texts: Sequence[str]) -> Any:
    """The value of one setting from its texts in the URL.

    Methods stay as they are written: a wrong one is shown in its place and judged with the rest.

    Raises:
        ValueError: naming the setting, the value and what is allowed.
    """
    text = texts[-1].strip()
    if name == "methods":
        return [entrant for one in texts for entrant in split_entrants(one)]
    if name in OPTIONS:
        card, param = OPTIONS[name]
        return param.check(text, card.key)
    if name == "dataset":
        return pick(DATASETS, text, name).key
    if name == "network":
        return pick(NETWORKS, text, name, ABSENT).key
    if name == "probe":
        return one_of(name, text, PROBES)
    if name == "layout":
        return one_of(name, text, LAYOUTS)
    if name == "augment":
        return one_of(name, text, AUGMENTS)
    if name == "speed":
        return parse_speed(text)
    return parse_look(name, text) if name in LOOKS else number(name, text)


def parse_look(name: str, text: str) -> str:
    """How a race is looked at; a layer is judged when the race's layers are known.

    Raises:
        ValueError: naming the setting, the value and what is allowed.
    """
    known = {
        "entrant": [str(position) for position in range(MAX_ENTRANTS)],
        "moment": list(MOMENTS),
        "accuracy": list(ACCURACIES),
        "explain": ["on", "off"],
    }
    return one_of(name, text, known[name]) if name in known else text


def split_entrants(text: str) -> list[str]:
    """Split "batch,kalman:gain=0.5,running=first" where a new method begins."""
    entrants: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if entrants and "=" in part and ":" not in part:
            entrants[-1] += f",{part}"
        else:
            entrants.append(part)
    return entrants


def parse_speed(text: str) -> Value:
    """Steps per second, or "full" for as fast as it goes."""
    known = {str(speed): speed for speed in SPEEDS}
    return known[one_of("speed", text, tuple(known))]


def one_of(name: str, text: str, known: Sequence[str]) -> str:
    """Return the text if it is among the known ones, else raise ValueError."""
    if text not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {text!r}")
    return text


def read(params: Mapping[str, Sequence[str]]) -> tuple[Settings, list[str]]:
    """The settings that a URL gives, and a sentence for each thing in it that is wrong."""
    return judged(params, parse, default, DEFAULTS, (*LOOKS, *OPTIONS), NOT_SETTINGS)


def judged(
    params: Mapping[str, Sequence[str]],
    parse: Callable[[str, Sequence[str]], Any],
    default: Callable[[str], Any],
    shown: Collection[str],
    others: Collection[str],
    ignored: Collection[str],
) -> tuple[Settings, list[str]]:
    """`read` for a page's own settings.

    Args:
        params: what the URL gives.
        parse: the value of a setting from its texts; ValueError in words.
        default: what a setting is otherwise.
        shown: names that are told where one is not known.
        others: further names.
        ignored: names that are no settings, and are let be.
    """
    settings: Settings = {}
    wrong: list[str] = []
    for name, texts in params.items():
        if name in ignored or not texts:
            continue
        if name not in shown and name not in others:
            known = ", ".join(shown)
            wrong.append(f"the link sets {name!r}, which is no setting here; known: {known}")
            continue
        try:
            settings[name] = parse(name, texts)
        except ValueError as error:
            wrong.append(f"{error}; using {default(name)!r}")
    return settings, wrong


def write(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """The inverse of `read`: query parameters of everything that differs from its default."""
    return {
        name: [str(one) for one in (value if isinstance(value, list) else [value])] or [""]
        for name, value in settings.items()
        if value != default(name)
    }


def of_race(race: Race) -> Settings:
    """The settings that would start this race again."""
    common = race.common
    settings: Settings = {name: getattr(common, name) for name in NUMBERS if name in DEFAULTS}
    settings |= {
        name: getattr(common, name) for name in ("dataset", "network", "layout", "augment")
    }
    settings["probe"] = race.probe
    settings["methods"] = [experiment.entrant for experiment in race.experiments]
    for card, options in (
        (common.network_card, common.network_options),
        (common.dataset_card, common.dataset_options),
    ):
        keys = {name: f"{card.key}_{name}" for name in options}
        settings |= {key: options[name] for name, key in keys.items() if key in OPTIONS}
    return settings


def hidden(params: Mapping[str, Sequence[str]]) -> set[str]:
    """Keys of the controls that a teacher's link hides: ?hide=seed,probe."""
    return {
        key.strip() for text in params.get("hide", ()) for key in text.split(",") if key.strip()
    }
