"""One file per method, each with its CARD; found by themselves, so adding one is adding a file.

They are listed by family, and in a family by year.
"""

from importlib import import_module
from pkgutil import iter_modules

from bkn.cards import FAMILIES, MethodCard


def _found() -> list[MethodCard]:
    names = [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]
    cards: list[MethodCard] = [import_module(f"{__name__}.{name}").CARD for name in names]
    families = list(FAMILIES)
    return sorted(cards, key=lambda card: (families.index(card.family), card.year, card.key))


METHODS: dict[str, MethodCard] = {card.key: card for card in _found()}
