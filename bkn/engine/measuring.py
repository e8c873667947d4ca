"""Measuring what methods cost, from the server: one process at a time, followed line by line.

`python -m bkn cost` writes every result into the store by itself; here is only known how far it
is. It ends with its stdin, so it never outlives the server.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bkn.store.home import ROOT

MARK = "{"  # a line of progress begins so; whatever else is printed are last words


@dataclass(frozen=True)
class Progress:
    """How far the measurement is."""

    running: bool = False
    method: str = ""  # key of the one that is measured now
    number: int = 0  # from 1
    of: int = 0
    done: int = 0  # results so far, since the server started
    failures: dict[str, str] = field(default_factory=dict)  # key: why, of the last measurement


class Measuring:
    """At most one measurement.

    Args:
        home: folder of the store.
    """

    def __init__(self, home: Path):
        self.home = home
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._follower: threading.Thread | None = None
        self._now: dict[str, int | str] = {}
        self._done = 0
        self._failures: dict[str, str] = {}
        self._cancelled = False

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        with self._lock:
            process, failures = self._process, dict(self._failures)
            if process is None:
                return Progress(done=self._done, failures=failures)
            now = {"method": "", "number": 0, "of": 0, **self._now}
            return Progress(
                True, str(now["method"]), int(now["number"]), int(now["of"]), self._done, failures
            )

    def start(self, keys: Sequence[str]) -> None:
        """Measure these methods one after the other.

        Raises:
            ValueError: if a measurement is under way, or no process can be started.
        """
        with self._lock:
            if self._process is not None:
                raise ValueError("a measurement is under way; wait for its end or cancel it")
            command = [sys.executable, "-m", "bkn", "cost", "--lines", *keys]
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    cwd=ROOT,
                    env={**os.environ, "BKN_HOME": str(self.home)},
                    start_new_session=True,  # Ctrl-C in the server's terminal ends it by stdin
                )
            except OSError as error:
                raise ValueError(f"no process can be started now: {error}") from error
            self._process, self._failures, self._cancelled = process, {}, False
            self._now = {"of": len(keys)}
            self._follower = threading.Thread(
                target=self._follow, args=(process, list(keys)), daemon=True
            )
            self._follower.start()

    def cancel(self) -> None:
        """End the measurement; what is measured stays."""
        with self._lock:
            process, follower, self._cancelled = self._process, self._follower, True
        if process is not None and follower is not None:
            process.kill()
            follower.join()

    def _follow(self, process: "subprocess.Popen[bytes]", keys: list[str]) -> None:
        last = ""
        for line in pipe(process.stdout):
            text = line.decode(errors="replace").strip()
            last = self._hear(text) if text.startswith(MARK) else text or last
        process.wait()
        with suppress(OSError):
            pipe(process.stdin).close()
        with self._lock:
            broke = process.returncode not in (0, 1) and not self._cancelled
            if broke or (process.returncode == 1 and not self._failures):
                key = str(self._now.get("method") or keys[0])
                self._failures[key] = last or f"its process ended with {process.returncode}"
            self._process = None

    def _hear(self, text: str) -> str:
        """Note one line of progress; returns "", as it is no last word."""
        said = json.loads(text)
        with self._lock:
            if "measuring" in said:
                self._now = {k: said[k] for k in ("number", "of")} | {"method": said["measuring"]}
            elif "measured" in said:
                self._done += 1
            elif "failed" in said:
                self._failures[said["failed"]] = said["why"]
        return ""


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    """One end of a pipe that was asked for."""
    if end is None:
        raise ValueError("the process has no pipe")
    return end
