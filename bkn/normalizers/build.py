"""Build a normalizer from the key of its card."""

from numbers import Integral
from typing import Any

from bkn.cards import pick
from bkn.catalog import METHODS
from bkn.normalizers.base import Normalizer


def build_norm(
    key: str, channels: int, *, micro_batch: int | None = None, **options: Any
) -> Normalizer:
    """One normalizing layer, `y, belief = norm(x, prior)`.

    Args:
        key: of a method's card, see `bkn.methods()`.
        channels: C of the activations (N, C, ...).
        micro_batch: images per set of statistics, None for the whole batch.
        options: of the card; missing ones take its defaults.

    Raises:
        ValueError: for an unknown key or option, or a value that is not allowed, in words.
    """
    card = pick(METHODS, key, "method")
    complete = card.complete(options)
    for name, value in (("channels", channels), ("micro_batch", micro_batch)):
        if value is None and name == "micro_batch":  # the whole batch
            continue
        # Whole numbers of numpy count too.
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return card.load()(channels, micro_batch=micro_batch, **complete)
