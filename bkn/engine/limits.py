"""How much a server takes on, and how it says no."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bkn.store.errors import StoreError


class Refused(ValueError):  # noqa: N818 - it reads as what happened, not as a fault
    """The server will not start another race now; the text says why."""


@contextmanager
def refusing() -> Iterator[None]:
    """A store that cannot be written means that no race can start: say so to who asked."""
    try:
        yield
    except StoreError as error:
        raise Refused(str(error)) from error


def limit_from_environment() -> int:
    """BKN_MAX_RACES, or 2.

    Raises:
        ValueError: if it is no whole number above 0.
    """
    text = os.environ.get("BKN_MAX_RACES", "2")
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"BKN_MAX_RACES must be a whole number above 0, got {text!r}")
    return int(text)
