"""One file from elsewhere: in parts, from several sources, again and again, whole at the end.

What comes is written under another name in the same folder, and gets its own name only when it
has its checksum. A transfer that broke off goes on where it was, if the server can do that.
"""

import errno
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bkn.cards import RemoteFile
from bkn.fetch.state import PART, megabytes
from bkn.fetch.whole import is_whole

CHUNK = 1 << 16  # bytes
SPARE = 1 << 20  # bytes that a file may be longer than known before it is refused
TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)  # what a server may say now and not later
Told = Callable[[int], None]  # hears how many bytes of the file there are


class Unreachable(ValueError):  # noqa: N818 - it reads as what is the case
    """No source gave the file; the message says why, source by source."""


class BrokenOff(Exception):  # noqa: N818
    """A transfer that may go better the next time."""


class Refused(Exception):  # noqa: N818
    """A source that need not be asked again."""


@dataclass(frozen=True)
class Patience:
    """How long a transfer is tried."""

    timeout: float = 20.0  # seconds without a byte
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0)  # seconds before each further round


PATIENT = Patience()


def transfer(
    file: RemoteFile,
    folder: Path,
    urls: Sequence[str],
    told: Told = lambda _: None,
    patience: Patience = PATIENT,
) -> None:
    """Fetch a file into the folder, from the first of its sources that has it.

    Args:
        file: what is wanted.
        folder: of fetched data.
        urls: sources, tried in turn.
        told: hears how far it is.
        patience: with slow and broken sources.

    Raises:
        Unreachable: when all is in vain.
        OSError: when the disk refuses.
    """
    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    left, why = list(urls), dict.fromkeys(urls, "")
    for pause in (0.0, *patience.pauses):
        time.sleep(pause)
        for url in list(left):
            try:
                _append(file, url, part, told, patience.timeout)
                _keep(file, url, part, target)
                return
            except BrokenOff as broken:
                why[url] = str(broken)
            except Refused as refused:
                why[url] = str(refused)
                left.remove(url)
            except OSError as error:
                if error.errno == errno.ENOSPC:  # others need the room
                    part.unlink(missing_ok=True)
                raise
        if not left:
            break
    raise Unreachable("; ".join(why.values()))


def _append(file: RemoteFile, url: str, part: Path, told: Told, timeout: float) -> None:
    """Bring what is still missing of the file from one source."""
    have = part.stat().st_size if part.exists() else 0
    if have and is_whole(part, file.md5):  # all had come when it was killed
        told(have)
        return
    with _asked(url, have, part, timeout) as answer:
        goes_on = answer.status == 206 and _begin(answer) == have
        have = have if goes_on else 0
        told(have)
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        with part.open("ab" if goes_on else "wb") as out:
            while chunk := _read(answer, url, have):
                out.write(chunk)
                have += len(chunk)
                told(have)
                if have > file.size + SPARE:
                    part.unlink()
                    raise BrokenOff(f"what {host(url)} sends is longer than {part.stem} can be")
            out.flush()
            os.fsync(out.fileno())
    if total is not None and have < total:
        raise BrokenOff(f"{host(url)} broke off after {megabytes(have)} of {megabytes(total)}")


def _asked(url: str, have: int, part: Path, timeout: float) -> Any:
    """The answer to a request for the file from this byte on."""
    headers = {"User-Agent": "bkn-lab"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # there is no such byte: what came is of another file
            part.unlink(missing_ok=True)
            raise BrokenOff(f"{host(url)} has nothing behind {megabytes(have)}") from error
        words = f"{host(url)} answers {error.code} {error.reason} for {url}"
        raise (BrokenOff if error.code in TRY_AGAIN else Refused)(words) from error
    except urllib.error.URLError as error:
        raise BrokenOff(f"could not reach {host(url)}: {_reason(error.reason)}") from error
    except (http.client.HTTPException, OSError) as error:
        raise BrokenOff(f"could not reach {host(url)}: {_reason(error)}") from error


def _begin(answer: Any) -> int:
    """The first byte of a partial answer: 7 of "bytes 7-99/100"; -1 if it does not say."""
    words = str(answer.headers.get("Content-Range", "")).replace("-", " ").split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else -1


def _read(answer: Any, url: str, have: int) -> bytes:
    try:
        chunk: bytes = answer.read(CHUNK)
    except (http.client.HTTPException, OSError) as error:
        words = f"{host(url)} broke off after {megabytes(have)}: {_reason(error)}"
        raise BrokenOff(words) from error
    return chunk


def _keep(file: RemoteFile, url: str, part: Path, target: Path) -> None:
    """Give the file its name, if it is whole; else it begins anew."""
    if not is_whole(part, file.md5):
        part.unlink(missing_ok=True)
        raise BrokenOff(f"what {host(url)} sends as {target.name} does not have its checksum")
    part.replace(target)


def host(url: str) -> str:
    """The host in an address, with its port where it has one."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


def _reason(error: object) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
