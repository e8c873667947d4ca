"""Files that a command is to write: refused before hours of training, not after."""

import os
from pathlib import Path


def check_out(path: Path) -> None:
    """Refuse a file that cannot be written.

    Raises:
        ValueError: naming the file and why.
    """
    why = ""
    if path == Path():  # also what an empty text becomes
        why = "a file has to be named"
    elif path.is_dir():
        why = "it is a folder"
    elif not path.parent.is_dir():
        why = "there is no such folder"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        why = "permission denied"
    if why:
        raise ValueError(f"{path} cannot be written: {why}")


def make_room(path: Path) -> None:
    """Make the folders above a file that is to be written.

    Raises:
        ValueError: as `check_out`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from error
    check_out(path)
