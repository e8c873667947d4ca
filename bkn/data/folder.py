"""The operator's own pictures, read by torchvision, brought to one size and kept as bytes.

The shorter side is scaled to the wanted size and the middle cut out. Reading thousands of photos
takes a while, so the result is kept beside the fetched data until a picture changes.
"""

import hashlib
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision import transforms
from torchvision.datasets import ImageFolder

from bkn.cards import Value
from bkn.catalog import DATASETS
from bkn.data.listing import Listing, Picture, listing
from bkn.data.stored import Split, StoredImages
from bkn.home import data_folder

READERS = 4  # threads
KEPT = 2  # folders whose pictures are kept


def load(device: torch.device | str = "cpu", **options: Value) -> StoredImages:
    """Read all pictures, or what was kept of them.

    Args:
        device: where they are kept.
        options: what an experiment holds about the folder, see bkn.data.listing; none: as it is.

    Raises:
        ValueError: if there is no usable folder, if it has changed since the experiment was made,
            or if pictures cannot be read; in words.
    """
    now, card = listing(), DATASETS["folder"]
    wanted = card.complete(options)
    if wanted != now.options:
        raise ValueError(
            "the pictures in BKN_FOLDER are not those that this experiment was made for: it wants "
            f"{wanted['train']:,} and {wanted['test']:,} of them at {wanted['size']} pixels, here "
            f"are {len(now.train):,} and {len(now.test):,} at {now.size}"
            + ("" if wanted["content"] == now.content else ", and other ones")
        )
    train, test = kept(now) or keep(now)
    return StoredImages(card.of(wanted), train, test, device)


def read(now: Listing) -> tuple[Split, Split]:
    """Read every picture.

    Raises:
        ValueError: naming the first of those that cannot be read.
    """
    wrong: list[str] = []
    splits = [_read(now, pictures, wrong) for pictures in (now.train, now.test)]
    if wrong:
        raise ValueError(
            f"{len(wrong):,} of the {len(now.train) + len(now.test):,} pictures in BKN_FOLDER "
            f"cannot be read, the first is {wrong[0]}; mend them or take them out"
        )
    return splits[0], splits[1]


class Listed(ImageFolder):
    """torchvision's ImageFolder of just these pictures: by itself it follows every link."""

    def __init__(self, now: Listing, pictures: tuple[Picture, ...], bring: Callable[..., Any]):
        self._now, self._pictures = now, pictures
        super().__init__(str(now.folder), transform=bring)

    def find_classes(self, directory: Any) -> tuple[list[str], dict[str, int]]:
        names = list(self._now.classes)
        return names, {name: label for label, name in enumerate(names)}

    def make_dataset(self, directory: Any, *_: Any, **__: Any) -> list[tuple[str, int]]:
        return [(str(self._now.folder / one.path), one.label) for one in self._pictures]


def _read(now: Listing, pictures: tuple[Picture, ...], wrong: list[str]) -> Split:
    bring = transforms.Compose(
        [
            transforms.Resize(now.size),
            transforms.CenterCrop(now.size),
            transforms.PILToTensor(),
        ]
    )
    found = Listed(now, pictures, bring)
    images = torch.zeros(len(pictures), 3, now.size, now.size, dtype=torch.uint8)

    def put(place: int) -> str:
        try:
            images[place] = found[place][0]
        except Exception as error:  # whatever a damaged file makes of its reader
            return f"{pictures[place].path} ({str(error) or type(error).__name__})"
        return ""

    with ThreadPoolExecutor(READERS) as pool:
        wrong += filter(None, pool.map(put, range(len(pictures))))
    return images, torch.tensor([one.label for one in pictures])


def keep(now: Listing) -> tuple[Split, Split]:
    """Read every picture and keep them, as far as the disk allows."""
    (train, train_labels), (test, test_labels) = splits = read(now)
    target = kept_at(now)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    with suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            np.savez(file, train, train_labels, test, test_labels)
        fresh.replace(target)
        older = sorted(target.parent.glob("folder-*.npz"), key=lambda path: path.stat().st_mtime)
        for path in older[:-KEPT]:
            path.unlink()
    fresh.unlink(missing_ok=True)
    return splits


def kept(now: Listing) -> tuple[Split, Split] | None:
    """The pictures as they were read before; None if they were not, or have changed since."""
    try:
        with np.load(kept_at(now), allow_pickle=False) as file:
            train, train_labels, test, test_labels = (torch.from_numpy(file[k]) for k in file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return (train, train_labels), (test, test_labels)


def kept_at(now: Listing) -> Path:
    """Where the pictures are kept: a name that changes with any of them."""
    digest = hashlib.sha256(f"{now.folder} {now.content} {now.size}".encode())
    for one in (*now.train, *now.test):
        digest.update(f"{one.changed} ".encode())
    return data_folder() / ".bkn" / f"folder-{digest.hexdigest()[:16]}.npz"
