"""Words that several sentences about a race share."""

from html import escape
from typing import TYPE_CHECKING

from app.palette import inks

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


def name(cache: "RaceCache", position: int) -> str:
    """An entrant's name in its colour."""
    ink = inks(cache.race)[position]
    return f'<b style="color:{ink.css}">{escape(ink.label)}</b>'


def images(cache: "RaceCache") -> str:
    """What the statistics are made of: "2 images"."""
    micro_batch = cache.race.common.micro_batch
    for event in cache.events:
        if event.kind == "micro_batch":
            micro_batch = int(event.payload["value"])
    return "1 image" if micro_batch == 1 else f"{micro_batch} images"


def rate(cache: "RaceCache") -> float:
    """Peak learning rate, as last set."""
    changes = [e.payload["value"] for e in cache.events if e.kind == "lr"]
    return float(changes[-1]) if changes else cache.race.common.lr
