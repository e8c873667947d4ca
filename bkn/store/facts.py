"""Facts about a store for `doctor`: where it is, how big, what it holds, room on the disk."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from bkn.store.errors import StoreError
from bkn.store.home import store_path
from bkn.store.reader import Reader


@dataclass(frozen=True)
class StoreFacts:
    """What a person asks about a store first."""

    path: Path
    size: int  # bytes, the write-ahead log included; 0 while there is none
    runs: int
    free: int  # bytes on that disk
    problem: str  # why it cannot be used, in words; empty when all is well


def store_facts(folder: Path) -> StoreFacts:
    """Look at the store of a home; changes nothing, makes nothing."""
    path = store_path(folder)
    files = [path, path.with_name(path.name + "-wal")]
    size = sum(file.stat().st_size for file in files if file.exists())
    exists = next(place for place in (folder, *folder.parents) if place.exists())
    reader, runs, problem = Reader(path), 0, ""
    try:
        runs = reader.count_runs()
    except StoreError as error:
        problem = str(error)
    finally:
        reader.close()
    return StoreFacts(path, size, runs, shutil.disk_usage(exists).free, problem)
