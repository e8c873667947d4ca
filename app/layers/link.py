"""What the Layers page's address holds: which layer is looked at, when, and with which eyes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.address import MOMENTS, one_of
from app.layers.numbers import OUTPUT
from bkn.experiment import MAX_ENTRANTS
from bkn.snapshot import KEPT_GROUPS

ERRORS = {  # key: words
    "posterior": "posterior",
    "observation": "micro-batch",
    "prior": "prior",
    "running": "running statistics",
    OUTPUT: "output",
}
DEFAULTS: dict[str, Any] = {"source": "posterior", "moment": "var", "group": 1, "explain": "on"}
STEP = 0.05  # of the slider for q


def whole(low: int, high: float, what: str) -> Callable[[str, str], int]:
    """Reads a whole number."""

    def read(name: str, text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else -1
        if not low <= value <= high:
            raise ValueError(f"{name} must be {what}, got {text!r}")
        return value

    return read


def gain(name: str, text: str) -> float:
    """Reads a gain."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, got {text!r}")
    return round(round(value / STEP) * STEP, 2)


READ: dict[str, Callable[[str, str], Any]] = {
    "entrant": whole(0, MAX_ENTRANTS - 1, f"a position from 0 to {MAX_ENTRANTS - 1}"),
    "layer": lambda name, text: text,  # judged when the network is known
    "channel": whole(0, 1e6, "the number of a channel"),
    "moment": lambda name, text: one_of(name, text, tuple(MOMENTS)),
    "source": lambda name, text: one_of(name, text, tuple(ERRORS)),
    "group": whole(1, KEPT_GROUPS, f"a micro-batch from 1 to {KEPT_GROUPS}"),
    "at": whole(0, 1e9, "a step"),
    "q": gain,
    "explain": lambda name, text: one_of(name, text, ("on", "off")),
}


def read(url: Mapping[str, Sequence[str]]) -> tuple[dict[str, Any], list[str]]:
    """What the link sets, and a sentence for each thing in it that is wrong."""
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for name, texts in url.items():
        if name == "run" or not texts:
            continue
        if name not in READ:
            wrong.append(f"the link sets {name!r}, which this page does not know")
            continue
        try:
            found[name] = READ[name](name, texts[-1].strip())
        except ValueError as error:
            wrong.append(str(error))
    return found, wrong


def write(looks: Mapping[str, Any], race_id: str) -> dict[str, list[str]]:
    """Query parameters of what differs from the defaults; None is left out."""
    link = {
        name: [f"{value:g}" if isinstance(value, float) else str(value)]
        for name, value in looks.items()
        if value is not None and value != DEFAULTS.get(name)
    }
    return link | ({"run": [race_id]} if race_id else {})
