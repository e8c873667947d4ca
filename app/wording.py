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
    common = cache.race.common
    micro_batch = common.micro_batch
    for event in cache.events:
        if event.kind == "micro_batch":
            micro_batch = int(event.payload["value"])
    if micro_batch == 1:
        return "1 image"
    alike = common.layout == "sample_major" and common.copies % micro_batch == 0
    return f"{micro_batch} copies of one image" if alike else f"{micro_batch} images"


def rate(cache: "RaceCache") -> float:
    """Peak learning rate, as last set."""
    changes = [e.payload["value"] for e in cache.events if e.kind == "lr"]
    return float(changes[-1]) if changes else cache.race.common.lr
