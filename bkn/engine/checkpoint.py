"""Checkpoints on disk: replaced whole or not at all, read without running any code."""

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

from bkn.store.errors import StoreError


def pack(state: dict[str, Any]) -> bytes:
    """The state as bytes, a copy: training may go on while they are written."""
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def write(path: Path, data: bytes) -> None:
    """Replace the file; whoever reads it sees the old one or the new one, never half of it.

    Raises:
        StoreError: when the disk refuses.
    """
    unfinished = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StoreError(
            f"the checkpoint {path} cannot be written: {error.strerror}; free some space", "full"
        ) from error


def read(path: Path) -> dict[str, Any]:
    """Load a checkpoint: tensors and plain values only.

    Raises:
        ValueError: when there is none, or it cannot be read.
    """
    import torch

    if not path.exists():
        raise ValueError(f"there is no checkpoint {path}")
    try:
        with zipfile.ZipFile(path) as archive:  # torch does not look at the check sums
            spoilt = archive.testzip()
        if spoilt:
            raise zipfile.BadZipFile(f"wrong check sum of {spoilt}")
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except (zipfile.BadZipFile, pickle.UnpicklingError, OSError) as error:
        raise ValueError(f"the checkpoint {path} is damaged: {error}") from error
    return state
