"""What settings choose among cards: entrants, and the options of a network or a dataset."""

from collections.abc import Mapping
from typing import Any

from app import address
from bkn.cards import Card
from bkn.catalog import METHODS
from bkn.entrants import entrant_text


def options(values: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """The options of a card that the settings give."""
    keys = {param.name: address.option_key(card, param) for param in card.params}
    return {name: values[key] for name, key in keys.items() if key in values}


def entrants(values: Mapping[str, Any]) -> list[str]:
    """The methods, as `bkn.entrants` writes them; options go to those that name none themselves."""
    return [
        entrant_text(text, options(values, METHODS[text])) if text in METHODS else text
        for text in values["methods"]
    ]
