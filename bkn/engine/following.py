"""A command of `python -m bkn` in a process of its own, followed line by line from the server.

The command says what it does in JSON lines and writes its results by itself; here is only known
how far it is. It ends with its stdin, so it never outlives the server.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from bkn.home import ROOT

MARK = "{"  # a line of progress begins so; whatever else is printed are last words


class Following:
    """At most one process of one command. Subclasses say what its lines mean.

    Args:
        home: folder of the store.
        command: of `python -m bkn`, one that knows --lines.
        busy: what is said to whom starts a second one.
    """

    def __init__(self, home: Path, command: str, busy: str):
        self.home, self.command, self.busy = home, command, busy
        self._lock = threading.Lock()  # of all that the follower writes
        self._process: subprocess.Popen[bytes] | None = None
        self._follower: threading.Thread | None = None
        self._cancelled = False

    def hear(self, said: Mapping[str, Any]) -> None:
        """One line of progress; called with the lock held."""
        raise NotImplementedError

    def broke(self, status: int, last: str) -> None:
        """The process ended with this status, not by `cancel`; called with the lock held.

        Args:
            status: 1 means that something failed, as its lines have told; others are unforeseen.
            last: the last that it printed beside its lines.
        """
        raise NotImplementedError

    def launch(self, arguments: Sequence[str]) -> None:
        """Start the process; call it with the lock held.

        Raises:
            ValueError: if one is under way, or no process can be started.
        """
        if self._process is not None:
            raise ValueError(self.busy)
        command = [sys.executable, "-m", "bkn", self.command, "--lines", *arguments]
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
        self._process, self._cancelled = process, False
        self._follower = threading.Thread(target=self._follow, args=(process,), daemon=True)
        self._follower.start()

    def cancel(self) -> None:
        """End the process; what it has done stays."""
        with self._lock:
            process, follower, self._cancelled = self._process, self._follower, True
        if process is not None and follower is not None:
            process.kill()
            follower.join()

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        last = ""
        for line in pipe(process.stdout):
            text = line.decode(errors="replace").strip()
            if text.startswith(MARK):
                with self._lock:
                    self.hear(json.loads(text))
                last = ""
            else:
                last = text or last
        process.wait()
        with suppress(OSError):
            pipe(process.stdin).close()
        with self._lock:
            if process.returncode and not self._cancelled:
                self.broke(process.returncode, last)
            self._process = None


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    """One end of a pipe that was asked for."""
    if end is None:
        raise ValueError("the process has no pipe")
    return end
