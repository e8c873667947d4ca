"""Results of a sweep as flat rows, for figures, tables, statistics and claims alike.

A run that diverged is worth guessing, one over the number of classes: it is a result, and leaving
it out would flatter its method. What failed, or has not been trained yet, has no accuracy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from bkn.store.reader import Reader
from bkn.store.sweeps import Curve, JobRow, accuracy_curves, job_rows
from bkn.sweep import Job


@dataclass(frozen=True)
class Result:
    """Where one job stands and what it reached."""

    job: Job
    status: str  # waiting: not begun; else as of a run
    step: int
    message: str  # why it ended, in words
    summary: Mapping[str, float]  # figures of the end, and of a diagnosis where one was asked for
    curve: Curve | None = None  # test accuracy by step, where it was asked for

    @cached_property
    def entrant(self) -> str:
        return self.job.experiment.entrant

    @property
    def seed(self) -> int:
        return self.job.experiment.seed

    @property
    def accuracy(self) -> float | None:
        """Final test accuracy, a fraction; guessing where it diverged; None: not known."""
        if self.status == "diverged":
            return 1 / len(self.job.experiment.dataset_card.classes)
        return self.summary.get("test_accuracy") if self.status == "finished" else None

    def steps_to(self, accuracy: float) -> float | None:
        """Steps after which a test first reached an accuracy; infinite: never; None: not known.

        As finely as it was tested.
        """
        if self.status == "diverged":
            return float("inf")
        if self.status != "finished" or self.curve is None:
            return None
        reached = self.curve.accuracy >= accuracy
        return float(self.curve.steps[reached.argmax()]) if reached.any() else float("inf")


def results(reader: Reader, jobs: Iterable[Job], curves: bool = False) -> list[Result]:
    """One row per job, in their order.

    Args:
        reader: of the store.
        jobs: of a sweep.
        curves: whether test accuracy by step is wanted too.
    """
    jobs = list(jobs)
    ids = [job.id for job in jobs]
    rows: Mapping[str, JobRow] = job_rows(reader, ids)
    drawn = accuracy_curves(reader, ids) if curves else {}
    return [_result(job, rows.get(job.id), drawn.get(job.id)) for job in jobs]


def _result(job: Job, row: JobRow | None, curve: Curve | None) -> Result:
    if row is None:
        return Result(job, "waiting", 0, "", {}, curve)
    return Result(job, row.status, row.step, row.message, row.summary, curve)
