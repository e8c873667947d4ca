"""Whether a file is whole: by its checksum, never by its name or size alone."""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

from bkn.cards import DatasetCard, RemoteFile

CHUNK = 1 << 20  # bytes
Pulse = Callable[[int], None]  # hears how many more bytes were read


def unheard(_: int) -> None:
    """Nobody follows."""


def is_whole(path: Path, md5: str, pulse: Pulse = unheard) -> bool:
    """Whether there is a file with this checksum."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                pulse(len(chunk))
    except (FileNotFoundError, IsADirectoryError):
        return False
    return digest.hexdigest() == md5


def is_unpacked(path: Path, packed: Path) -> bool:
    """Whether there is a file with the length and checksum that its .gz file ends with."""
    try:
        with packed.open("rb") as file:
            file.seek(-8, 2)
            crc, length = (int.from_bytes(file.read(4), "little") for _ in range(2))
        if path.stat().st_size % 2**32 != length:
            return False
        found = 0
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found = zlib.crc32(chunk, found)
    except OSError:  # one of them is missing, or shorter than any .gz file
        return False
    return found == crc


def damaged(file: RemoteFile, folder: Path, pulse: Pulse = unheard) -> list[str]:
    """Paths of what training reads of this file, as far as it is missing or not whole."""
    if not file.holds:
        return [] if is_whole(folder / file.path, file.md5, pulse) else [file.path]
    found = []
    for path, md5 in file.holds:
        if md5:
            good = is_whole(folder / path, md5, pulse)
        else:  # the packed file is small: its own checksum counts, then the one inside it
            packed = folder / file.path
            good = is_whole(packed, file.md5, pulse) and is_unpacked(folder / path, packed)
        if not good:
            found.append(path)
    return found


def paths(card: DatasetCard) -> list[str]:
    """Everything that belongs to a dataset, packed or not, inside the folder of fetched data."""
    found: list[str] = []
    for file in card.files:
        found += [file.path, *(path for path, _ in file.holds)]
    return found
