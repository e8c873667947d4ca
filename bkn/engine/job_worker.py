"""The process that trains jobs, one after the other: `python -m bkn.engine.job_worker`.

It reads lines of JSON from stdin: {"do": "train" or "time", "job": {...}}. What happens it tells as
lines on a duplicate of stdout, as what libraries print goes to stderr:

    {"job": id, "kind": as of News, "told": [...], "message": "", "last": true when it ends now}

When stdin ends so does the process, at once: whoever started it is gone, and its job will be
trained anew.
"""

import json
import os
import sys
import threading
import traceback
from queue import SimpleQueue
from typing import Any, BinaryIO

from bkn.engine.executor import BEGUN, DONE, FAILED, TIMED, TOLD
from bkn.engine.told import Told
from bkn.engine.worker import explain
from bkn.sweep import Job

TELL_EVERY = 0.4  # seconds between batches, and between signs of life
ALIVE = "alive"  # kind of a line that only says so
OVER = (DONE, FAILED, TIMED)  # kinds that end a job


class Teller:
    """Collects what the trainer tells and writes it as lines, in batches.

    Args:
        out: where to.
    """

    def __init__(self, out: BinaryIO):
        self._out, self._lock = out, threading.Lock()
        self._job_id, self._told = "", list[Told]()

    def begin(self, job_id: str) -> None:
        with self._lock:
            self._job_id = job_id
        self.say(BEGUN)

    def tell(self, told: Told) -> None:
        """Keep it for the next batch."""
        with self._lock:
            self._told.append(told)

    def say(self, kind: str, message: str = "", last: bool = False) -> None:
        """A line with all that was told since the last one.

        Args:
            kind: of the news.
            message: a sentence.
            last: this process ends now.
        """
        with self._lock:
            told, self._told = self._told, []
            line: dict[str, Any] = {"job": self._job_id, "kind": kind}
            line |= {"told": told, "message": message}
            if last:
                line["last"] = True
            self._out.write(json.dumps(line).encode() + b"\n")
            self._out.flush()
            if kind in OVER:
                self._job_id = ""

    def keep_telling(self) -> None:
        """Batch after batch, for ever; without news of a job only that this process lives."""
        pause = threading.Event()
        while not pause.wait(TELL_EVERY):
            if self._job_id:
                self.say(TOLD if self._told else ALIVE)


def work(inbox: "SimpleQueue[dict[str, Any]]", teller: Teller) -> None:
    """Do what comes in; returns when something broke that a fresh process should not inherit."""
    while True:
        message = inbox.get()
        job = Job.from_json(json.dumps(message["job"]))
        teller.begin(job.id)
        try:
            DO[message["do"]](job, teller)
        except Exception as error:  # told to the user, and written to the log
            traceback.print_exc()
            broken = not isinstance(error, ValueError)
            teller.say(FAILED, explain(error), last=broken)
            if broken:
                return


def train(job: Job, teller: Teller) -> None:
    """Train it to its end."""
    from bkn.engine.told import TellingSink
    from bkn.training.job import run_job

    run_job(job, TellingSink(teller.tell))
    teller.say(DONE)


def time(job: Job, teller: Teller) -> None:
    """Take a few steps only to time them."""
    from bkn.training.job import time_job

    teller.tell(["step_ms", time_job(job)])
    teller.say(TIMED)


DO = {"train": train, "time": time}


def listen(inbox: "SimpleQueue[dict[str, Any]]") -> None:
    """Pass on what comes from stdin; with its end the process ends, whatever it is doing."""
    for line in sys.stdin.buffer:
        inbox.put(json.loads(line))
    os._exit(0)


def main() -> None:
    """Entry of the process; it exits without torch's slow farewell."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inbox: SimpleQueue[dict[str, Any]] = SimpleQueue()
    teller = Teller(out)
    threading.Thread(target=listen, args=(inbox,), daemon=True).start()
    threading.Thread(target=teller.keep_telling, daemon=True).start()
    work(inbox, teller)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
