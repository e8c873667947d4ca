"""Where runs live on disk: one folder, named by BKN_HOME or else `.bkn` in the repository.

<home>/runs.db                  the store
<home>/checkpoints/<race>.pt    what an interrupted race continues from
<home>/logs/<worker>.log        what a worker printed
"""

from pathlib import Path

from bkn.home import ROOT, home

__all__ = ["ROOT", "checkpoint_path", "home", "log_path", "store_path"]


def store_path(folder: Path) -> Path:
    """The database inside a home."""
    return folder / "runs.db"


def checkpoint_path(folder: Path, race_id: str) -> Path:
    """The checkpoint of a race inside a home."""
    return folder / "checkpoints" / f"{race_id}.pt"


def log_path(folder: Path, worker_id: str) -> Path:
    """What a worker printed, inside a home."""
    return folder / "logs" / f"{worker_id}.log"
