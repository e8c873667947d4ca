"""What runs on a node of a Ray cluster: one attempt at a job, told line by line.

`attempt` is a generator: Ray carries every line that it yields to the driver, which alone opens the
store. The training has a thread of its own, so that lines, and signs of life, come while it works.
This file and all that it imports travel to the node; Ray itself it does not know.
"""

import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from bkn.engine.executor import BEGUN, DONE, FAILED, TIMED, TOLD
from bkn.engine.job_worker import ALIVE, TELL_EVERY
from bkn.engine.shipping import use_shipped_data
from bkn.engine.told import TellingSink, Told
from bkn.engine.worker import explain
from bkn.home import ROOT
from bkn.sweep import Job

Line = tuple[str, list[Told], str]  # kind, what was told since the last line, words
NEEDED = ("torch", "torchvision", "pandas")  # what training imports, beside what this file does


@dataclass(frozen=True)
class Ending:
    """The last line, with what belongs to it alone."""

    kind: str
    words: str = ""
    told: Sequence[Told] = ()


Say = Callable[[Told | Ending], None]


def attempt(do: str, text: str) -> Iterator[Line]:
    """Train or time a job: first BEGUN and where, then TOLD and ALIVE, last DONE, TIMED or FAILED.

    Args:
        do: "train" or "time".
        text: the job as JSON.
    """
    yield BEGUN, [], f"{socket.gethostname()} (process {os.getpid()})"
    use_shipped_data()
    said: SimpleQueue[Told | Ending] = SimpleQueue()
    threading.Thread(target=_work, args=(do, text, said.put), daemon=True).start()
    ending = None
    while ending is None:
        told, ending = _gather(said)
        if ending:
            yield ending.kind, [*told, *ending.told], ending.words
        else:
            yield TOLD if told else ALIVE, told, ""


def inventory() -> dict[str, Any]:
    """What this node has: name, where the code lies, packages that training would miss."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    return {"host": socket.gethostname(), "code": str(ROOT), "missing": missing}


def _work(do: str, text: str, say: Say) -> None:
    try:
        _DO[do](Job.from_json(text), say)
    except Exception as error:  # told to the user; Ray keeps what is printed with the node's logs
        traceback.print_exc()
        say(Ending(FAILED, explain(error)))
    finally:  # the first ending counts
        say(Ending(FAILED, "The training ended without a word."))


def _train(job: Job, say: Say) -> None:
    from bkn.training.job import run_job

    run_job(job, TellingSink(say))
    say(Ending(DONE))


def _time(job: Job, say: Say) -> None:
    from bkn.training.job import time_job

    say(Ending(TIMED, told=[["step_ms", time_job(job)]]))


_DO = {"train": _train, "time": _time}


def _gather(said: "SimpleQueue[Told | Ending]") -> tuple[list[Told], Ending | None]:
    """What is said within TELL_EVERY, or until the end."""
    told: list[Told] = []
    deadline = monotonic() + TELL_EVERY
    while (left := deadline - monotonic()) > 0:
        try:
            word = said.get(timeout=left)
        except Empty:
            break
        if isinstance(word, Ending):
            return told, word
        told.append(word)
    return told, None
