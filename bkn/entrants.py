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
    if not isinstance(text, str):
        raise ValueError(f"methods must be names such as 'batch', got {text!r}")
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
    complete = card.complete(options)
    changed = [
        f"{param.name}={complete[param.name]}"
        for param in card.params
        if complete[param.name] != param.default_with(complete)
    ]
    return f"{method}:{','.join(changed)}" if changed else method
