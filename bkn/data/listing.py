"""The operator's own pictures: what lies in the folder that BKN_FOLDER names. Needs no torch.

One subfolder per class; either all of that twice, in train/ and test/, or once, and then a fifth
of the pictures is for testing, chosen by their names alone. Only the operator's environment says
where the folder is. Links inside it are not followed, hidden files are not looked at.

The folder may change, an experiment may not: it holds the sizes that were found and a mark of the
content, made of all names and lengths and of the beginnings of some files. Whoever trains it
compares them with the folder as it is then.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bkn.cards import Options, as_number

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
SPLITS = ("train", "test")
TEST_SHARE = 5  # every so manieth picture is for testing where the folder has no test/
SIZES = (8, 224)  # pixels
SIZE = 32
MOST = 4e9  # bytes that all pictures may take in memory
JUST_NOW = 2_000_000_000  # nanoseconds
SAMPLED, HEAD = 64, 4096  # files, and bytes of each, that the mark of the content looks into


@dataclass(frozen=True)
class Picture:
    """A file in the folder: its path from there, its class, its length, and when it changed."""

    path: str
    label: int
    length: int
    changed: int  # nanoseconds


@dataclass(frozen=True)
class Listing:
    """All pictures of the folder."""

    folder: Path
    size: int  # pixels, both ways, that pictures are brought to
    classes: tuple[str, ...]
    train: tuple[Picture, ...]
    test: tuple[Picture, ...]
    content: int  # mark of names, lengths and some beginnings
    links: int  # that were not followed

    @property
    def options(self) -> Options:
        """What an experiment on these pictures holds."""
        return {
            "content": self.content,
            "train": len(self.train),
            "test": len(self.test),
            "classes": len(self.classes),
            "size": self.size,
        }


def found() -> Options:
    """The options of an experiment on the folder as it is now.

    Raises:
        ValueError: if there is no usable folder, in words.
    """
    return listing().options


def listing() -> Listing:
    """What lies in the folder now.

    Raises:
        ValueError: if there is no usable folder, in words.
    """
    given = os.environ.get("BKN_FOLDER", "").strip()
    if not given:
        raise ValueError(
            "dataset 'folder' is not set up here: whoever runs this lab names a folder of "
            "pictures in BKN_FOLDER, with one subfolder per class"
        )
    folder = Path(given).expanduser().resolve()
    if not folder.is_dir():
        raise ValueError(f"BKN_FOLDER names {folder}, which is no folder on this machine")
    try:
        return _listed(folder, _size(), _signature(folder))
    except OSError as error:
        raise ValueError(f"BKN_FOLDER cannot be read: {error}") from error


def _size() -> int:
    text = os.environ.get("BKN_FOLDER_SIZE", "").strip() or SIZE
    size, (low, high) = as_number(text), SIZES
    if size is None or size != int(size) or not low <= size <= high:
        raise ValueError(f"BKN_FOLDER_SIZE must be a whole number in [{low}, {high}], got {text!r}")
    return int(size)


def _signature(folder: Path) -> tuple[int, ...]:
    """Times of the folder, its subfolders and theirs: they change when pictures come or go.

    Clocks of disks are coarse: what has changed just now may change again without being seen.
    """
    times = [folder.stat().st_mtime_ns]
    for one in _subfolders(folder):
        times += [two.stat().st_mtime_ns for two in (one, *_subfolders(one))]
    now = time.time_ns()
    return (*times, now) if now - max(times) < JUST_NOW else tuple(times)


@lru_cache(maxsize=4)
def _listed(folder: Path, size: int, _: tuple[int, ...]) -> Listing:
    names = [one.name for one in _subfolders(folder)]
    links = [0]
    if "train" in names:
        if "test" not in names:
            raise ValueError("BKN_FOLDER has a folder train/ and no folder test/ beside it")
        classes = tuple(one.name for one in _subfolders(folder / "train"))
        more = {one.name for one in _subfolders(folder / "test")} - set(classes)
        if more:
            raise ValueError(
                f"BKN_FOLDER has classes in test/ that are not in train/: {', '.join(sorted(more))}"
            )
        train, test = (_pictures(folder, f"{split}/", classes, links) for split in SPLITS)
    else:
        classes = tuple(names)
        every = _pictures(folder, "", classes, links)
        test = tuple(one for one in every if for_testing(one.path))
        train = tuple(one for one in every if not for_testing(one.path))
    _check(classes, train, test, size)
    return Listing(folder, size, classes, train, test, mark(folder, train, test), links[0])


def for_testing(path: str) -> bool:
    """Whether a picture of a folder without test/ is for testing: by its name alone."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") % TEST_SHARE == 0


def mark(folder: Path, train: tuple[Picture, ...], test: tuple[Picture, ...]) -> int:
    """48 bits that differ where names, lengths or the beginnings of some files do."""
    digest = hashlib.sha256()
    for split, pictures in zip(SPLITS, (train, test), strict=True):
        for one in pictures:
            digest.update(f"{split} {one.path} {one.length}\n".encode())
        for one in pictures[:: max(1, len(pictures) // SAMPLED)]:
            with (folder / one.path).open("rb") as file:
                digest.update(file.read(HEAD))
    return int.from_bytes(digest.digest()[:6], "big")


def _subfolders(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        found = [
            Path(one.path)
            for one in entries
            if one.is_dir(follow_symlinks=False) and not one.name.startswith(".")
        ]
    return sorted(found)


def _pictures(
    folder: Path, under: str, classes: tuple[str, ...], links: list[int]
) -> tuple[Picture, ...]:
    """All pictures below one folder, class by class, in the order of their paths."""
    every = []
    for label, name in enumerate(classes):
        below = folder / under / name
        if below.is_dir():
            every += sorted(_below(folder, below, label, links), key=lambda one: one.path)
    return tuple(every)


def _below(folder: Path, below: Path, label: int, links: list[int]) -> Iterator[Picture]:
    with os.scandir(below) as entries:
        for one in entries:
            if one.name.startswith("."):
                continue
            if one.is_symlink():
                links[0] += 1
            elif one.is_dir(follow_symlinks=False):
                yield from _below(folder, Path(one.path), label, links)
            elif one.name.lower().endswith(ENDINGS) and one.is_file(follow_symlinks=False):
                facts = one.stat(follow_symlinks=False)
                path = Path(one.path).relative_to(folder).as_posix()
                yield Picture(path, label, facts.st_size, facts.st_mtime_ns)


def _check(
    classes: tuple[str, ...], train: tuple[Picture, ...], test: tuple[Picture, ...], size: int
) -> None:
    if len(classes) < 2:
        raise ValueError(
            f"BKN_FOLDER must have at least two subfolders, one per class, got {len(classes)}"
        )
    lacking = set(range(len(classes))) - {one.label for one in train}
    if lacking:
        raise ValueError(f"BKN_FOLDER has no training picture of {classes[min(lacking)]!r}")
    if not test:
        raise ValueError("BKN_FOLDER has no picture left for testing")
    needed = 3 * size * size * (len(train) + len(test))
    if needed > MOST:
        raise ValueError(
            f"the {len(train) + len(test):,} pictures of BKN_FOLDER take {needed / 1e9:.1f} GB at "
            f"{size}x{size}, more than {MOST / 1e9:g}; choose a smaller BKN_FOLDER_SIZE"
        )
