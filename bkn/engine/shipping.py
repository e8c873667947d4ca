"""What the nodes of a cluster need of this installation: the code, the digits, fetched datasets.

A folder is made of it, which Ray packs and unpacks on every node as the tasks' working folder. All
else that lies beside the code (the store, an environment, somebody's files) stays here.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from bkn.cards import DatasetCard
from bkn.catalog import DATASETS
from bkn.fetch.state import megabytes, state
from bkn.home import ROOT, data_folder

SHIPPED = ("bkn", "assets/digits")  # from the root of the installation
DATA = "data"  # folder of fetched datasets in what is shipped
MOST = 450_000_000  # bytes of datasets; Ray refuses packages of 500 MiB
SHARED = "BKN_RAY_DATA_DIR"  # a folder of fetched datasets that all nodes see
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "make.py")


def stage(folder: Path, datasets: Iterable[str] = ()) -> Path:
    """Fill a folder with what travels; returns it.

    Args:
        folder: empty.
        datasets: that are going to be trained on; a node says so where one is missing.

    Raises:
        ValueError: if they are too large to travel.
    """
    cards = [] if shared_folder() else [DATASETS[name] for name in datasets]
    files = [path for card in cards if state(card).ready for path in files_of(card)]
    size = sum((data_folder() / path).stat().st_size for path in files)
    if size > MOST:
        raise ValueError(
            f"{', '.join(card.key for card in cards if card.files)}: {megabytes(size)} to carry, "
            f"and Ray carries {megabytes(MOST)} at most; put them into a folder that all nodes "
            f"see and name it by {SHARED}, or train on one after the other"
        )
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=_LEFT_OUT)
    for path in files:
        target = folder / DATA / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data_folder() / path, target)
    return folder


def files_of(card: DatasetCard) -> Iterator[str]:
    """What travels of a dataset: its files as they were fetched, or else what was unpacked."""
    for file in card.files:
        if (data_folder() / file.path).exists():
            yield file.path
        else:
            yield from (path for path, _ in file.holds)


def shared_folder() -> str:
    """The folder of fetched datasets that all nodes see; empty when they travel."""
    return os.environ.get(SHARED, "").strip()


def use_shipped_data() -> None:
    """On a node: read datasets from what was shipped, if any were."""
    if (ROOT / DATA).is_dir():
        os.environ["BKN_DATA_DIR"] = str(ROOT / DATA)
