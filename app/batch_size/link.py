"""The Batch size page's settings as they stand in its address: read, judged and written.

Names and texts are those of the Race page wherever both have the same setting.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app import address
from app.address import OPTIONS, Settings
from bkn.experiment import number

DEFAULTS: Settings = {
    "dataset": "digits",
    "network": "convnet",
    "methods": ["batch", "group", "kalman"],
    "micro_batches": [1, 2, 4, 8, 16, 32, 64],
    "batches": [64],
    "lrs": "0.05",  # as typed: numbers with commas between
    "seeds": 3,  # how many
    "first_seed": 0,
    "epochs": 4,
    "augment": "none",
}
LOOKS: Settings = {  # how a sweep is looked at; changes nothing about it
    "at_dataset": "",
    "at_network": "",
    "at_batch": "",
    "at_lr": "",
    "at_m": "",
    "baseline": "",
    "reach": 90.0,  # % of test images
    "explain": "on",
}
WHOLE = {"seeds": (1, 100), "first_seed": (0, 10**6)}
NOT_SETTINGS = ("sweep", "hide")
SEVERAL = {"micro_batches": "micro_batch", "batches": "batch", "lrs": "lr"}


def default(name: str) -> Any:
    """What a setting is when neither the URL nor a person says otherwise."""
    if name in DEFAULTS:
        return DEFAULTS[name]
    return LOOKS[name] if name in LOOKS else address.default(name)


def parse(name: str, texts: Sequence[str]) -> Any:
    """The value of one setting from its texts in the URL.

    Raises:
        ValueError: naming the setting, the value and what is allowed.
    """
    text = texts[-1].strip()
    if name in SEVERAL:
        found = numbers(name, ",".join(texts))
        return typed(found) if name == "lrs" else found
    if name in WHOLE:
        return whole(name, text)
    if name == "reach":
        return percentage(name, text)
    if name == "explain":
        return address.one_of(name, text, ("on", "off"))
    return text if name in LOOKS else address.parse(name, texts)


def numbers(name: str, text: str) -> list[Any]:
    """The numbers of an axis, in their order, each once.

    Raises:
        ValueError: naming the axis' setting, the value and what is allowed.
    """
    parts = [part for part in text.replace(";", ",").replace(" ", ",").split(",") if part]
    return sorted({number(SEVERAL[name], part) for part in parts})


def typed(rates: Sequence[float]) -> str:
    """Learning rates as they are typed: 0.01, 0.05."""
    return ", ".join(f"{rate:g}" for rate in rates)


def whole(name: str, text: str) -> int:
    """A whole number within its bounds; ValueError for anything else."""
    low, high = WHOLE[name]
    value = int(text) if text.isascii() and text.isdigit() else -1
    if not low <= value <= high:
        raise ValueError(f"{name} must be a whole number in [{low}, {high}], got {text!r}")
    return value


def percentage(name: str, text: str) -> float:
    """A number from 1 to 100; ValueError for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 1 <= value <= 100:
        raise ValueError(f"{name} must be a number in [1, 100], got {text!r}")
    return value


def read(params: Mapping[str, Sequence[str]]) -> tuple[Settings, list[str]]:
    """The settings and looks that a URL gives, and a sentence for each thing that is wrong."""
    return address.judged(params, parse, default, DEFAULTS, (*LOOKS, *OPTIONS), NOT_SETTINGS)


def write(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """The inverse of `read`: query parameters of everything that differs from its default."""
    return {name: texts(value) for name, value in settings.items() if value != default(name)}


def texts(value: Any) -> list[str]:
    """A value as it stands in the URL; numbers share one parameter, methods have one each."""
    if isinstance(value, list) and value and not isinstance(value[0], str):
        return [",".join(f"{one:g}" for one in value)]
    if isinstance(value, float):
        return [f"{value:g}"]
    return [str(one) for one in value] or [""] if isinstance(value, list) else [str(value)]
