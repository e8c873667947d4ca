"""A job worker without torch: what a job does follows from its learning rate.

Run as a program it is a job worker like the real one, but for the training.
"""

import os
import sys
import time

from bkn.engine import job_worker
from bkn.engine.told import TellingSink
from bkn.sweep import Sweep

COMMAND = [sys.executable, "-m", "tests.engine.toy_job_worker"]
GOOD, WRONG, BROKEN, DYING, ENDLESS, SILENT, NOISY = (float(n) for n in range(1, 8))
STEPS = 3


def job(lr=GOOD, seed=0):
    """A job that does what its learning rate says."""
    return Sweep(methods=("batch",), micro_batches=(2,), lrs=(lr,), seeds=(seed,)).jobs[0]


def accuracy_of(given):
    """What the toy reaches: depends on the job alone, as real training does."""
    return int(given.id[:4], 16) / 2**16


def train(given, teller):
    sink = TellingSink(teller.tell)
    if given.experiment.lr == SILENT:
        teller.keep_telling = None
        with teller._lock:  # nothing gets through, not even signs of life
            time.sleep(3600)
    sink.columns(0, "train", ["loss"])
    sink.status(0, "running", 0)
    for step in range(1, STEPS + 1):
        sink.row(0, "train", step, [1.0 / step])
    match given.experiment.lr:
        case 2.0:
            raise ValueError("lr must be kinder")
        case 3.0:
            raise RuntimeError("the accelerator is on fire")
        case 4.0:
            print("these are my last words", file=sys.stderr, flush=True)
            os._exit(7)
        case 5.0:
            while True:
                sum(range(10_000))  # holds the interpreter as busy as Python can
        case 7.0:
            print("a library says hello")
            os.write(1, b"and so does its C part\n")
            os.system("echo and a child")
    sink.summary(0, {"test_accuracy": accuracy_of(given), "pid": os.getpid()})
    sink.status(0, "finished", STEPS)
    teller.say("done")


def timed(given, teller):
    teller.tell(["step_ms", 12.5])
    teller.say("timed")


if __name__ == "__main__":
    job_worker.DO = {"train": train, "time": timed}
    job_worker.main()
