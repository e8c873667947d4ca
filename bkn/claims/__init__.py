"""One file per claim, each with its CLAIM; found by themselves, so adding one is adding a file.

They are listed by topic, and in a topic by year. Nothing is swept before it is asked for.
"""

from importlib import import_module
from pkgutil import iter_modules

from bkn.claims.base import TOPICS, Claim


def _found() -> list[Claim]:
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    claims: list[Claim] = [module.CLAIM for module in modules if hasattr(module, "CLAIM")]
    topics = list(TOPICS)
    return sorted(claims, key=lambda c: (topics.index(c.topic), c.year, c.key))


CLAIMS: dict[str, Claim] = {claim.key: claim for claim in _found()}
