"""A worker process as the supervisor holds it: its pipe, its log, its pulse."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from bkn.engine.commands import encode
from bkn.store.home import ROOT, log_path

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that look alike


def new_id() -> str:
    """Eight random characters, safe in URLs and file names."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))


class WorkerProcess:
    """A started worker. Ends by itself when its pipe is closed.

    Args:
        home: folder of the store, checkpoints and logs.
        cold: a race waits for it already: no warming up.

    Raises:
        OSError: if no process can be started.
    """

    def __init__(self, home: Path, cold: bool = False):
        self.id, self.race_id = new_id(), ""
        self.hung = 0.0  # seconds without a sign of life after which it was killed for that
        self.log = log_path(home, self.id)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "bkn.engine.worker", "--home", str(home), "--id", self.id]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--cold"] if cold else command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment(),
                start_new_session=True,  # Ctrl-C in the server's terminal is not for workers
            )
        self._lock = threading.Lock()
        self.given_beat = 0.0  # written by the supervisor in its name
        self._beat, self._beat_seen = 0.0, time.monotonic()

    @property
    def _pipe(self) -> IO[bytes]:
        pipe = self.process.stdin
        if pipe is None:
            raise ValueError(f"worker {self.id} has no pipe")
        return pipe

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, message: Mapping[str, Any]) -> bool:
        """Write one message; False if the worker is gone."""
        try:
            with self._lock:
                self._pipe.write(encode(message))
                self._pipe.flush()
        except (OSError, ValueError):  # a broken pipe, or one that was closed here
            return False
        return True

    def has_beaten(self, beat: float) -> bool:
        """Whether the beat in the store is the worker's own, not the supervisor's for it."""
        return beat != self.given_beat and beat != 0.0

    def silent_for(self, beat: float) -> float:
        """Seconds since the beat in the store last changed, by this process's clock."""
        now = time.monotonic()
        if beat != self._beat:
            self._beat, self._beat_seen = beat, now
        return now - self._beat_seen

    def hang_up(self) -> None:
        """Close the pipe: the worker saves its race and ends."""
        with self._lock, suppress(OSError):  # it may be gone, with something unread in the pipe
            self._pipe.close()

    def end(self, timeout: float) -> None:
        """Wait for the end, then see to it."""
        try:
            self.process.wait(max(0.0, timeout))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self, lines: int = 3) -> str:
        """The end of what it printed."""
        return last_words(self.log, lines)


def environment(**more: str) -> dict[str, str]:
    """Of a process that is to find this code wherever it lies."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}


def how_it_ended(code: int, words: str) -> str:
    """Why a process is gone, as a sentence.

    Args:
        code: its exit status; negative: the signal that killed it.
        words: the last that it printed.
    """
    if code < 0:
        return f"The worker was killed (signal {-code})."
    return f"The worker ended (exit code {code})" + (f": {words}." if words else ".")


def last_words(log: Path, lines: int) -> str:
    """The last lines of a log; nothing if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 4000))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])
