"""Entrants as text: "batch", or "kalman:gain=0.5,transition=sampled" with options."""

from collections.abc import Mapping
from typing import Any

from bkn.cards import Options, pick
from bkn.catalog import METHODS


def parse_entrant(text: str) -> tuple[str, Options]:
    """Split "kalman:gain=0.5,transition=sampled" into key and completed options.

    Raises:
        ValueError: naming the method or option that is unknown or not allowed.
    """
    method, _, rest = text.strip().partition(":")
    card = pick(METHODS, method, "method")
    options = {}
    for part in filter(None, rest.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"an option of {method} must read name=value, got {part!r}")
        options[name.strip()] = value.strip()
    return method, card.complete(options)


def entrant_text(method: str, options: Mapping[str, Any]) -> str:
    """The inverse of `parse_entrant`, naming only what differs from the defaults."""
    card = pick(METHODS, method, "method")
    defaults = card.complete({})
    changed = [f"{k}={v}" for k, v in card.complete(options).items() if v != defaults[k]]
    return f"{method}:{','.join(changed)}" if changed else method
