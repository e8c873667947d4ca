"""Tables of sweeps made up for tests of what the Batch size page draws and says."""

from collections.abc import Callable
from math import isnan

import numpy as np

from app.batch_size.table import Place, Table
from bkn.results import Result
from bkn.store.sweeps import Curve
from bkn.sweep import Job, Sweep

AT = Place("digits", "convnet", 64, 2, 0.05)
SMALL = {"methods": "batch,kalman", "micro_batches": "2,64", "seeds": "2", "epochs": "1"}
SWEEP = Sweep(methods=("batch", "kalman"), micro_batches=(2, 64), seeds=(0, 1),
              common={"epochs": 1})  # fmt: skip


def result(job: Job, final: float | str | None) -> Result:
    """A run by its final accuracy; NaN: diverged; None: waiting; a word: that status."""
    steps = job.experiment.steps
    if final is None:
        return Result(job, "waiting", 0, "", {})
    if isinstance(final, str):
        message = "no memory left." if final == "failed" else ""
        return Result(job, final, 5, message, {})
    if isnan(final):
        return Result(job, "diverged", 9, "the training loss was inf nats at step 9.", {})
    tests = np.array([steps // 4, steps // 2, steps])
    curve = Curve(tests, final * np.array([0.5, 0.9, 1.0]))
    return Result(job, "finished", steps, "", {"test_accuracy": final}, curve)


def table(
    accuracy: Callable[[Job], float | str | None], sweep_id: str = "fake", **axes: object
) -> Table:
    """A sweep of three methods, three micro-batches and three seeds, unless told otherwise."""
    axes = {"micro_batches": (2, 8, 64), "seeds": (0, 1, 2), "common": {"epochs": 4}} | axes
    sweep = Sweep(**axes)
    return Table.of(sweep_id, sweep, [result(job, accuracy(job)) for job in sweep.jobs])


def lively(job: Job) -> float:
    """Batch norm breaks at m = 2; the others do not; seeds differ a little, in common."""
    one = job.experiment
    luck = 0.002 * (one.seed % 5) + 0.001 * ((7 * one.seed + len(one.method)) % 3)
    broken = one.method == "batch" and one.micro_batch == 2
    return 0.96 + luck - (0.06 + 0.004 * (one.seed % 2) if broken else 0.0)
