"""Whether a dataset is on this machine, told from a few looks at the disk.

What was found whole is noted with each file's length and time: a note that still fits spares the
page to read hundreds of megabytes at every refresh. Training does not trust it: it reads the
checksums of what it loads, see `prepare`.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bkn.cards import DatasetCard
from bkn.fetch.whole import paths
from bkn.home import data_folder

NOTES = ".bkn"  # folder of notes and locks inside the folder of fetched data
PART = ".part"  # what a file in the making is called behind its name
MB = 1e6


class MissingData(ValueError):  # noqa: N818 - it reads as what is the case
    """A dataset is not on this machine; the message says what to do."""


@dataclass(frozen=True)
class State:
    """Where a dataset stands: "shipped", "here" or "missing"."""

    kind: str
    size: int = 0  # bytes on this machine; of one that is missing, what came so far

    @property
    def ready(self) -> bool:
        return self.kind != "missing"


def state(card: DatasetCard, folder: Path | None = None) -> State:
    """Where a dataset stands; looks at names, lengths and times only."""
    if not card.files:
        return State("shipped")
    folder = folder or data_folder()
    noted = _noted(card, folder)
    if noted and all(_stamp(folder / path) == stamp for path, stamp in noted.items()):
        return State("here", sum(_length(folder / path) for path in paths(card)))
    came = [folder / path for file in card.files for path in (file.path, file.path + PART)]
    return State("missing", sum(map(_length, came)))


def require(card: DatasetCard, folder: Path | None = None) -> None:
    """Refuse a dataset that is not here.

    Raises:
        MissingData: saying how to fetch it.
    """
    if not state(card, folder).ready:
        raise MissingData(f"{card.key} is not on this machine; {how_to(card)}")


def how_to(card: DatasetCard) -> str:
    """What to do about a dataset that is missing."""
    return f"fetch it ({megabytes(card.size)}) with: python -m bkn data {card.key}"


def megabytes(size: float) -> str:
    """170 MB; of little a decimal more."""
    return f"{size / MB:.1f} MB" if size < 10 * MB else f"{size / MB:,.0f} MB"


def note(card: DatasetCard, folder: Path) -> None:
    """Note that everything that training reads was found whole."""
    read = [path for file in card.files for path in (dict(file.holds) or [file.path])]
    stamps = {path: _stamp(folder / path) for path in read}
    target = note_path(card, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    fresh.write_text(json.dumps(stamps))
    fresh.replace(target)


def forget(card: DatasetCard, folder: Path) -> None:
    """What was noted no longer holds."""
    with suppress(OSError):
        note_path(card, folder).unlink()


def note_path(card: DatasetCard, folder: Path) -> Path:
    """The note about a dataset."""
    return folder / NOTES / f"{card.key}.json"


def _noted(card: DatasetCard, folder: Path) -> dict[str, list[int] | None]:
    try:
        noted: dict[str, list[int] | None] = json.loads(note_path(card, folder).read_text())
    except (OSError, ValueError):
        return {}
    read = {path for file in card.files for path in (dict(file.holds) or [file.path])}
    return noted if isinstance(noted, dict) and set(noted) == read else {}


def _stamp(path: Path) -> list[int] | None:
    """Length and time of a file, None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _length(path: Path) -> int:
    return (_stamp(path) or [0])[0]
