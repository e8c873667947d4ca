"""Datasets that are fetched on demand, read by torchvision once their checksums are found right.

Nothing here touches the network: what is missing is refused in words, see bkn.fetch.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision import datasets

from bkn.cards import DatasetCard
from bkn.catalog import DATASETS
from bkn.data.stored import Split, StoredImages
from bkn.fetch.dataset import prepare

Device = torch.device | str
Read = Callable[[DatasetCard, Path, bool], Split]  # card, folder, whether training images


def mnist(device: Device = "cpu") -> StoredImages:
    """MNIST."""
    return load(DATASETS["mnist"], device)


def fashion_mnist(device: Device = "cpu") -> StoredImages:
    """Fashion-MNIST, in the format of MNIST."""
    return load(DATASETS["fashion_mnist"], device)


def cifar10(device: Device = "cpu") -> StoredImages:
    """CIFAR-10."""
    return load(DATASETS["cifar10"], device)


def cifar100(device: Device = "cpu") -> StoredImages:
    """CIFAR-100, with its fine labels."""
    return load(DATASETS["cifar100"], device)


def svhn(device: Device = "cpu") -> StoredImages:
    """SVHN, cropped digits, without its extra images."""
    return load(DATASETS["svhn"], device)


def load(card: DatasetCard, device: Device = "cpu", folder: Path | None = None) -> StoredImages:
    """Check and read a dataset.

    Args:
        card: with its files, their checksums and the sizes of both splits.
        device: where the images are kept.
        folder: of fetched data; by default where this installation keeps it.

    Raises:
        MissingData: if it is not on this machine, or damaged, saying what to do.
    """
    folder = prepare(card, folder)
    read = READ[card.key]
    return StoredImages(card, read(card, folder, True), read(card, folder, False), device)


def read_idx(card: DatasetCard, folder: Path, train: bool) -> Split:
    """The format of MNIST: arrays of bytes with their shape in front."""
    name = card.files[0].path.split("/")[0]
    whole = {"_check_legacy_exist": lambda self: False}  # older files have no checksum
    reader: Any = type(name, (datasets.MNIST,), whole)
    found = reader(str(folder), train=train)
    return found.data.unsqueeze(1), found.targets


def read_cifar(card: DatasetCard, folder: Path, train: bool) -> Split:
    """The format of CIFAR: pickled batches, whose checksums were right a moment ago."""
    base: Any = datasets.CIFAR100 if card.key == "cifar100" else datasets.CIFAR10
    (archive,) = card.files
    paths = [Path(path) for path, _ in archive.holds]
    known: dict[str, Any] = {"train_list": [], "test_list": [], "base_folder": paths[0].parent.name}
    for path in paths:
        if "meta" in path.name:
            known["meta"] = {**base.meta, "filename": path.name, "md5": None}
        else:
            known["test_list" if "test" in path.name else "train_list"].append((path.name, None))
    found = type(base.__name__, (base,), known)(str(folder), train=train)
    images = torch.from_numpy(found.data).permute(0, 3, 1, 2).contiguous()
    return images, torch.tensor(found.targets)


def read_svhn(card: DatasetCard, folder: Path, train: bool) -> Split:
    """The format of MATLAB."""
    names = [file.path for file in card.files]
    lists = {split: ["", name, None] for split, name in zip(("train", "test"), names, strict=True)}
    reader: Any = type("SVHN", (datasets.SVHN,), {"split_list": lists})
    found = reader(str(folder), split="train" if train else "test")
    return torch.from_numpy(np.ascontiguousarray(found.data)), torch.from_numpy(found.labels)


READ: dict[str, Read] = {
    "mnist": read_idx,
    "fashion_mnist": read_idx,
    "cifar10": read_cifar,
    "cifar100": read_cifar,
    "svhn": read_svhn,
}
