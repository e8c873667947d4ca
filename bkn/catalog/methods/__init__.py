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
    # Of one year the plainest comes first: a variant has the longer key.
    return sorted(cards, key=lambda c: (families.index(c.family), c.year, len(c.key), c.key))


METHODS: dict[str, MethodCard] = {card.key: card for card in _found()}
