"""A dataset from elsewhere: all its files, checked, unpacked and noted; or what is here already.

    hold the dataset's lock
    for each of its files:
        is what training reads of it whole?    nothing to do
        is the file itself whole?              unpack it
        else:                                  transfer it, then unpack it
    note that all is whole

Nothing that is not whole ever has the name of something whole, whatever interrupts this.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bkn.cards import DatasetCard, RemoteFile
from bkn.fetch.lock import locked
from bkn.fetch.state import NOTES, MissingData, forget, how_to, megabytes, note, state
from bkn.fetch.transfer import PATIENT, Patience, Unreachable, transfer
from bkn.fetch.unpack import unpack
from bkn.fetch.whole import damaged, is_whole
from bkn.home import data_folder

MIRROR = "BKN_DATA_MIRROR"


@dataclass(frozen=True)
class Doing:
    """What is being done: "waiting", "checking", "downloading" or "unpacking"."""

    what: str
    done: int = 0  # bytes that are here
    total: int = 0  # bytes of all files to download
    who: str = ""  # process id of the one that is waited for


Say = Callable[[Doing], None]


def fetch(
    card: DatasetCard,
    folder: Path | None = None,
    say: Say = lambda _: None,
    patience: Patience = PATIENT,
) -> None:
    """Bring a dataset onto this machine; what is here and whole stays.

    Args:
        card: of the dataset.
        folder: of fetched data; by default where this installation keeps it.
        say: hears what is being done.
        patience: with slow and broken sources.

    Raises:
        ValueError: in words, saying what to do: no source can be reached or has the file, what it
            sends is something else, the disk is full or cannot be written.
    """
    folder = folder or data_folder()
    try:
        with locked(_lock(card, folder), lambda who: say(Doing("waiting", who=who))):
            _fetch(card, folder, say, patience)
    except OSError as error:
        raise ValueError(
            f"{card.key} cannot be kept in {folder}: {error.strerror or error}"
        ) from error


def _fetch(card: DatasetCard, folder: Path, say: Say, patience: Patience) -> None:
    say(Doing("checking", total=card.size))
    missing = [file for file in card.files if damaged(file, folder)]
    done = card.size - sum(file.size for file in missing)
    if missing:
        forget(card, folder)
    for file in missing:
        if not is_whole(folder / file.path, file.md5):
            _transfer(card, file, folder, done, say, patience)
        done += file.size
        if file.holds:
            say(Doing("unpacking", done, card.size))
            unpack(file, folder)
    note(card, folder)


def _transfer(
    card: DatasetCard, file: RemoteFile, folder: Path, done: int, say: Say, patience: Patience
) -> None:
    free = shutil.disk_usage(folder).free
    need = file.size * (3 if file.holds else 1)  # packed, and unpacked not twice as large
    if free < need:
        raise ValueError(
            f"{card.key} needs {megabytes(need)} in {folder}, where {megabytes(free)} are free"
        )
    try:
        transfer(
            file, folder, sources(file), patience=patience,
            told=lambda have: say(Doing("downloading", done + have, card.size)),
        )  # fmt: skip
    except Unreachable as error:
        names = ", ".join(one.path for one in card.files if damaged(one, folder))
        raise ValueError(
            f"{error}. Put {names} into {folder} by hand, or set {MIRROR} to the address of a "
            "folder that has them"
        ) from error


def sources(file: RemoteFile) -> tuple[str, ...]:
    """Where a file comes from: the mirror that BKN_DATA_MIRROR names, else where it was published.

    Raises:
        ValueError: for a mirror that is no web address.
    """
    mirror = os.environ.get(MIRROR, "").strip()
    if not mirror:
        return file.urls
    if not mirror.startswith(("http://", "https://")):
        raise ValueError(f"{MIRROR} must begin with http:// or https://, got {mirror!r}")
    try:
        named = urlsplit(mirror)
        whole = bool(named.hostname) and (named.port or 0) >= 0  # a wrong port is told when asked
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"{MIRROR} must be a web address such as http://host/data, got {mirror!r}")
    return (f"{mirror.rstrip('/')}/{file.path}",)


def prepare(card: DatasetCard, folder: Path | None = None) -> Path:
    """Make sure, without any network, that what training reads of a dataset is whole.

    Files that were put there by hand are unpacked and noted.

    Returns:
        The folder of fetched data.

    Raises:
        MissingData: if something is missing or damaged, saying what to do.
    """
    folder = folder or data_folder()
    if any(damaged(file, folder) for file in card.files):
        _mend(card, folder)
    if not state(card, folder).ready:
        with suppress(OSError):  # a disk that can only be read takes no notes
            note(card, folder)
    return folder


def _mend(card: DatasetCard, folder: Path) -> None:
    """Unpack what is here and whole; refuse what is not."""
    forget(card, folder)
    there = [file for file in card.files if (folder / file.path).exists()]
    with suppress(OSError), locked(_lock(card, folder), lambda _: None):
        for file in there:
            if file.holds and damaged(file, folder) and is_whole(folder / file.path, file.md5):
                unpack(file, folder)
    wrong = [path for file in card.files for path in damaged(file, folder)]
    if not wrong:
        return
    bad = [path for path in wrong if (folder / path).exists()]
    if not bad:
        raise MissingData(f"{card.key} is not on this machine; {how_to(card)}")
    what = f"damaged on this machine ({bad[0]} does not have its checksum)"
    raise MissingData(f"{card.key} is {what}; {how_to(card)}")


def _lock(card: DatasetCard, folder: Path) -> Path:
    return folder / NOTES / f"{card.key}.lock"
