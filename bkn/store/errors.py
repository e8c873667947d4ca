"""What goes wrong with a store, in words: full, locked, damaged, unreadable, from the future."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# part of SQLite's message: (kind, what happened, what to do)
_WORDS = {
    "is full": ("full", "the disk is full", "free some space and go on"),
    "is locked": ("locked", "another program keeps it locked", "close that program"),
    "not a database": ("damaged", "it is damaged or no store at all", "move the file away"),
    "malformed": ("damaged", "it is damaged", "move the file away or restore a copy"),
    "readonly": ("unwritable", "it may not be written", "change the file's permissions"),
    "unable to open": ("unwritable", "it cannot be opened", "check the folder's permissions"),
    "disk I/O": ("full", "the disk refuses to write or read", "check the disk and its space"),
}


class StoreError(RuntimeError):
    """The store cannot be used; the text says why and what to do. `kind` is one word for code."""

    def __init__(self, message: str, kind: str):
        super().__init__(message)
        self.kind = kind


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """The error of SQLite as a sentence for people."""
    for part, (kind, why, advice) in _WORDS.items():
        if part in str(error):
            return StoreError(f"the store {path} failed: {why}; {advice} ({error})", kind)
    return StoreError(f"the store {path} failed: {error}", "other")


def make_folder(path: Path) -> None:
    """Make the folder of a store.

    Raises:
        StoreError: if there can be none.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the store {path} failed: its folder cannot be made ({error.strerror}); name another "
            "by BKN_HOME",
            "unwritable",
        ) from error


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error
