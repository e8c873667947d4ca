"""Finished sweeps made up for tests: what a conductor would have written, without training."""

from collections.abc import Callable
from pathlib import Path

from bkn.store.home import store_path
from bkn.store.sweeps import add_sweep, begin_job, set_sweep
from bkn.store.writer import Writer
from bkn.sweep import Job, Sweep
from bkn.training.sink import TEST, TEST_COLUMNS

OWNER = "conductor"
TESTS = (0.25, 0.5, 0.75, 1.0)  # shares of the steps after which a job was tested


def write_sweep(
    home: Path,
    sweep: Sweep,
    accuracy: Callable[[Job], float | None],
    sweep_id: str = "sweep",
    status: str = "finished",
) -> None:
    """Put a sweep and its finished jobs into the store of a home.

    Args:
        home: folder of the store.
        sweep: what was asked for.
        accuracy: final test accuracy of a job, a fraction; NaN: it diverged; None: not begun.
        sweep_id: its id.
        status: of the sweep: running, stopped or finished.
    """
    with Writer(store_path(home)) as writer, writer.transaction():
        add_sweep(writer, sweep_id, sweep, OWNER)
        set_sweep(writer, sweep_id, status, OWNER if status == "running" else None)
        for job in sweep.jobs:
            if (final := accuracy(job)) is not None:
                write_job(writer, job, final)


def write_job(writer: Writer, job: Job, final: float) -> None:
    """One job that reached this accuracy, on a straight line; NaN: it diverged half-way."""
    run_id = begin_job(writer, job, OWNER)
    assert run_id is not None
    steps = job.experiment.steps
    if final != final:
        words = "the training loss was inf nats at step 9"
        writer.set_status(run_id, "diverged", steps // 2, words)
        return
    writer.set_columns(run_id, TEST, TEST_COLUMNS)
    for share in TESTS:
        writer.add_row(run_id, TEST, max(1, round(share * steps)), share, (1.0, share * final))
    figures = {"test_accuracy": final, "test_loss": 1.0, "step_ms": 5.0, "seconds": 0.005 * steps}
    writer.set_summary(run_id, {"steps": float(steps), **figures})
    writer.set_status(run_id, "finished", steps)
