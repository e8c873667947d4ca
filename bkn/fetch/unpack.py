"""Unpacking: every file under a name of its own first, and in its place only when it is whole."""

import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bkn.cards import RemoteFile
from bkn.fetch.state import PART
from bkn.fetch.whole import CHUNK, Pulse, is_whole, unheard

BROKEN = (OSError, EOFError, zlib.error, tarfile.TarError, KeyError)


def unpack(file: RemoteFile, folder: Path, pulse: Pulse = unheard) -> None:
    """Unpack what this file is known to hold, and nothing else that may be in it.

    Raises:
        ValueError: if it does not hold that.
    """
    for path, md5 in file.holds:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + PART)
        try:
            with _opened(folder / file.path, path) as packed:
                _copy(packed, fresh, pulse)
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's fault, not the file's
            raise ValueError(f"{file.path} cannot be unpacked: {error}") from error
        if md5 and not is_whole(fresh, md5):
            raise ValueError(f"{path} inside {file.path} does not have its checksum")
        fresh.replace(target)


@contextmanager
def _opened(packed: Path, path: str) -> Iterator[IO[bytes] | gzip.GzipFile]:
    if not packed.name.endswith(".tar.gz"):
        with gzip.open(packed) as file:
            yield file
        return
    with tarfile.open(packed, "r:gz") as archive:
        member = archive.extractfile(path)
        if member is None:
            raise KeyError(f"{path} is no file")
        with member:
            yield member


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path, pulse: Pulse) -> None:
    with target.open("wb") as out:
        while chunk := source.read(CHUNK):
            out.write(chunk)
            pulse(len(chunk))
        out.flush()
        os.fsync(out.fileno())
