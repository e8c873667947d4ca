"""Tiny datasets in the real formats: a few noisy images per class, whose shade tells the class."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.io

from bkn.cards import DatasetCard, RemoteFile
from bkn.catalog import DATASETS
from bkn.catalog.downloads import CARDS

TRAIN, TEST, BATCHES = 60, 20, 5
KEYS = tuple(card.key for card in CARDS)


def pixels(card: DatasetCard, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bytes (count, C, H, W) and labels (count,)."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % min(10, len(card.classes))
    shade = 20 * labels[:, None, None, None] + random.integers(0, 50, (count, *card.shape))
    return shade.astype(np.uint8), labels


def make(key: str, folder: Path) -> DatasetCard:
    """Write the files of a tiny dataset under a folder; its card, with no source but a mirror."""
    card = DATASETS[key]
    card = replace(card, train=TRAIN, test=TEST)
    split = {"train": pixels(card, TRAIN, 1), "test": pixels(card, TEST, 2)}
    writers = {"mnist": write_idx, "fashion_mnist": write_idx, "svhn": write_mat}
    return replace(card, files=writers.get(key, write_tar)(card, split, folder))


def written(file: RemoteFile, body: bytes, folder: Path, **held: str) -> RemoteFile:
    """The file with this body on the disk, and its card with the body's checksum."""
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    holds = tuple((name, held.get(name, md5 and "?")) for name, md5 in file.holds)
    return replace(file, size=len(body), md5=md5_of(body), urls=(), holds=holds)


def md5_of(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def write_idx(card, split, folder):
    """MNIST: big-endian magic number and shape, then bytes, in gzip."""
    found = []
    for file in card.files:
        images, labels = split["train" if "train" in file.path else "test"]
        array = images[:, 0] if "images" in file.path else labels.astype(np.uint8)
        head = struct.pack(f">i{array.ndim}i", 0x800 + array.ndim, *array.shape)
        found.append(written(file, gzip.compress(head + array.tobytes(), mtime=0), folder))
    return tuple(found)


def write_tar(card, split, folder):
    """CIFAR: pickled batches and their class names in a tar, in gzip, with a file more."""
    (file,) = card.files
    label = "fine_labels" if card.key == "cifar100" else "labels"
    names = "fine_label_names" if card.key == "cifar100" else "label_names"
    batches = [path for path, _ in file.holds if "batch_" in path or path.endswith("/train")]
    bodies = {}
    for path, _ in file.holds:
        if "meta" in path:
            content = {names: list(card.classes)}
        else:
            images, labels = split["test" if "test" in path else "train"]
            part = batches.index(path) if path in batches else 0
            step = len(labels) // len(batches) if path in batches else len(labels)
            of = slice(part * step, (part + 1) * step)
            content = {"data": images[of].reshape(step, -1), label: labels[of].tolist()}
        bodies[path] = pickle.dumps(content, protocol=2)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, body in {**bodies, "../outside": b"never unpacked"}.items():
            member = tarfile.TarInfo(path)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    held = {path: md5_of(body) for path, body in bodies.items()}
    return (written(file, packed.getvalue(), folder, **held),)


def write_mat(card, split, folder):
    """SVHN: height, width, channels, images; the digit 0 has the label 10."""
    found = []
    for file in card.files:
        images, labels = split["train" if "train" in file.path else "test"]
        body = io.BytesIO()
        y = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        content = {"X": images.transpose(2, 3, 1, 0), "y": y}
        scipy.io.savemat(body, content, do_compression=True)
        found.append(written(file, body.getvalue(), folder))
    return tuple(found)


def files(folder: Path) -> set[str]:
    """Everything in a folder but notes and locks."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if not str(path).startswith(".bkn")}


def expected(card: DatasetCard) -> set[str]:
    """Everything that a fetched dataset leaves."""
    return {path for file in card.files for path in (file.path, *dict(file.holds))}
