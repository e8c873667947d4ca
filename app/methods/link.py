"""What the Methods page's address holds: the opened method and the filters; and where it leads."""

from collections.abc import Mapping, Sequence
from typing import Any

from app import address
from bkn.cards import MethodCard, pick
from bkn.catalog import DATASETS, METHODS

BASELINE: str = address.DEFAULTS["methods"][0]  # what a method is raced against
FILTERS = {  # name in the link: words, and whether a card passes
    "no-batch": ("Needs no batch", lambda card: not card.batch_statistics and bool(card.shares)),
    "remembers": ("Remembers earlier batches", lambda card: card.remembers),
    "prior": ("Asks the layers below", lambda card: card.uses_prior),
    "same": ("Same in training and test", lambda card: card.evaluation.startswith("The same as")),
}


def read(url: Mapping[str, Sequence[str]]) -> tuple[str, list[str], list[str]]:
    """The opened method ("" if none), the filters, and a sentence for each thing that is wrong."""
    method, chosen, wrong = "", [], []
    for name, texts in url.items():
        if name == "method" and texts:
            try:
                method = pick(METHODS, texts[-1].strip(), "method").key
            except ValueError as error:
                wrong.append(str(error))
        elif name == "show":
            for text in filter(None, (part for one in texts for part in one.split(","))):
                if text in FILTERS:
                    chosen.append(text)
                else:
                    wrong.append(f"show must be one of {', '.join(FILTERS)}, got {text!r}")
        elif name != "method":
            wrong.append(f"the link sets {name!r}, which this page does not know")
    return method, chosen, wrong


def passing(filters: Sequence[str]) -> dict[str, MethodCard]:
    """The cards that pass all filters, in the catalogue's order."""
    return {k: c for k, c in METHODS.items() if all(FILTERS[name][1](c) for name in filters)}


def race_settings(card: MethodCard) -> address.Settings:
    """Settings of a race between the baseline and this method, otherwise the defaults."""
    settings: dict[str, Any] = {"methods": list(dict.fromkeys((BASELINE, card.key)))}
    if card.takes_domains:  # images of several styles, where the data offer that
        for key, data in DATASETS.items():
            for param in data.params:
                if param.name == "styles":
                    several = next(word for word in param.choices if word != param.default)
                    settings |= {"dataset": key, address.option_key(data, param): several}
    return settings
