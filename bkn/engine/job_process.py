"""A process that trains jobs, as the local executor holds it: its pipes, its log, its pulse."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bkn.engine.following import pipe
from bkn.engine.process import environment, how_it_ended, last_words, new_id
from bkn.store.home import ROOT, log_path
from bkn.sweep import Job

COMMAND = [sys.executable, "-m", "bkn.engine.job_worker"]
HUNG_AFTER = 60.0  # seconds without a sign of life; importing torch on a busy machine takes some
Hear = Callable[["JobProcess", dict[str, Any] | None], None]


class JobProcess:
    """A started job worker. Ends by itself when its pipe is closed.

    Args:
        home: folder of the logs.
        hear: called from a thread with every line that it says, and with None when it is gone.
        gpu: the only one that it sees; None: as this process.

    Raises:
        OSError: if no process can be started.
    """

    def __init__(self, home: Path, hear: Hear, gpu: str | None = None):
        self.log = log_path(home, f"job-{new_id()}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.job_id = ""  # of the job in its hands
        self.killed_for = ""  # why it was killed, as a sentence
        self._heard_at = time.monotonic()
        more = {"OMP_NUM_THREADS": "1"}  # as many processes as there are cores
        if gpu is not None:
            more["CUDA_VISIBLE_DEVICES"] = gpu
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=environment(**more),
                start_new_session=True,  # Ctrl-C in the terminal is for the conductor
            )
        threading.Thread(target=self._follow, args=(hear,), daemon=True).start()

    def give(self, do: str, job: Job) -> None:
        """A job to do; should the process just have died, `hear` says so."""
        self.job_id, self._heard_at = job.id, time.monotonic()
        line = json.dumps({"do": do, "job": json.loads(job.to_json())})
        with suppress(OSError):
            pipe(self.process.stdin).write(line.encode() + b"\n")
            pipe(self.process.stdin).flush()

    def end_if_hung(self) -> None:
        """Kill it if it has a job and has said nothing for too long."""
        silent = time.monotonic() - self._heard_at
        if self.job_id and silent > HUNG_AFTER and not self.killed_for:
            self.killed_for = (
                f"The worker gave no sign of life for {HUNG_AFTER:g} seconds and was ended."
            )
            self.process.kill()

    def hang_up(self) -> None:
        """Close the pipe: it ends."""
        with suppress(OSError):  # it may be gone, with something unread in the pipe
            pipe(self.process.stdin).close()

    def end(self, timeout: float = 0.0) -> None:
        """Wait for the end, then see to it."""
        try:
            self.process.wait(max(0.0, timeout))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.hang_up()
        self.log.unlink(missing_ok=True)

    def epitaph(self) -> str:
        """Why it is gone, as a sentence."""
        words = last_words(self.log, 1)
        return self.killed_for or how_it_ended(self.process.wait(), words)

    def _follow(self, hear: Hear) -> None:
        for line in pipe(self.process.stdout):
            self._heard_at = time.monotonic()
            hear(self, json.loads(line))
        self.process.wait()
        hear(self, None)
