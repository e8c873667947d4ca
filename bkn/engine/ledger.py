"""What a conductor writes to the store: jobs that it takes, and what executors say of them.

Every method is one transaction, all or nothing, and may be called again after it failed. A job is
written to only while it is in this conductor's hands. What the store refuses for good is owed.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bkn.engine.executor import BEGUN, DONE, FAILED, LOST, News
from bkn.engine.told import replay
from bkn.engine.worker import sentence
from bkn.store import sweeps
from bkn.store.errors import StoreError
from bkn.store.home import store_path
from bkn.store.writer import Writer
from bkn.sweep import Job

ATTEMPTS = 3  # of a job whose process or node dies
GOES_ON, ENDED, AGAIN, TAKEN = "goes on", "ended", "again", "taken"  # what follows from news


@dataclass
class Flight:
    """A job that an executor is training."""

    job: Job
    run_id: int
    sweep_id: str  # for which sweep, of those that hold it
    attempt: int = 1


class Ledger:
    """The writing side of a conductor.

    Args:
        home: folder of the store.
        owner: id under which the store knows the conductor.

    Raises:
        StoreError: by every method, when the store refuses.
    """

    def __init__(self, home: Path, owner: str):
        self.path, self.owner = store_path(home), owner
        self._writer: Writer | None = None
        self._owed: list[Callable[[Writer], None]] = []

    @property
    def in_debt(self) -> bool:
        """Whether something is still to be written that was given up."""
        return bool(self._owed)

    @property
    def _open(self) -> Writer:
        if self._writer is None:
            self._writer = Writer(self.path, timeout=0.5)
        return self._writer

    def take(self, job: Job, again: Collection[str]) -> tuple[int | None, str]:
        """Take a job: the id of its run, or None; and its status."""
        writer = self._open
        with writer.transaction():
            run_id = sweeps.begin_job(writer, job, self.owner, again)
            return run_id, sweeps.status_of_job(writer, job.id)

    def enter(self, news: Sequence[tuple[Flight, News]]) -> list[str]:
        """Write what an executor says, in order.

        Returns:
            What follows from each: GOES_ON, ENDED, AGAIN (the job is to be trained anew) or TAKEN
            (by another conductor, who thought this one dead).
        """
        writer = self._open
        with writer.transaction():
            return [enter(writer, self.owner, flight, one) for flight, one in news]

    def own_sweep(self, sweep_id: str) -> None:
        """This conductor runs the sweep from now on."""
        self._set_sweep(sweep_id, "running", self.owner)

    def finish_sweep(self, sweep_id: str, words: str) -> None:
        """Nothing of it is left."""
        self._set_sweep(sweep_id, "finished", None, words)

    def owe_job(self, job_id: str, status: str, why: str) -> None:
        """A job is left to whoever continues its sweep; to be written by `pay`."""

        def let_go(writer: Writer) -> None:
            if sweeps.owns_job(writer, job_id, self.owner):
                writer.end_race(job_id, status, why)
                writer.release(job_id)

        self._owed.append(let_go)

    def owe_sweep(self, sweep_id: str, why: str) -> None:
        """A sweep had to be stopped, unless somebody else runs it now; to be written by `pay`."""
        self._owed.append(
            lambda writer: sweeps.end_sweep(writer, sweep_id, self.owner, "stopped", why)
        )

    def pay(self) -> None:
        """Write what is owed."""
        if self._owed:
            writer = self._open
            with writer.transaction():
                for write in self._owed:
                    write(writer)
            self._owed = []

    def forget_owner(self) -> None:
        """The conductor has no work: it does not count as alive."""
        with suppress(StoreError):  # then its last beat grows old
            writer = self._open
            with writer.transaction():
                writer.forget_worker(self.owner)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _set_sweep(self, sweep_id: str, status: str, owner: str | None, words: str = "") -> None:
        writer = self._open
        with writer.transaction():
            sweeps.set_sweep(writer, sweep_id, status, owner, words)


def enter(writer: Writer, owner: str, flight: Flight, news: News) -> str:
    """Write what an executor says of one job; see `Ledger.enter`."""
    job_id, run_id = flight.job.id, flight.run_id
    if not sweeps.owns_job(writer, job_id, owner):
        return TAKEN
    if news.kind == BEGUN:
        if sweeps.has_begun(writer, run_id):
            sweeps.forget_job(writer, job_id, run_id)
        # A short job tells all the rest at its end: until then nobody would see it run.
        writer.set_status(run_id, "running", 0)
    try:
        replay(writer, job_id, [run_id], news.told)
    except ValueError as error:
        return _fail(writer, job_id, f"What it told makes no sense: {error}.")
    if news.kind == DONE:
        if sweeps.status_of_job(writer, job_id) not in sweeps.DONE:
            return _fail(writer, job_id, "It came to its end without a result.")
        return ENDED
    if news.kind == FAILED:
        return _fail(writer, job_id, news.message)
    if news.kind != LOST:
        return GOES_ON
    if flight.attempt < ATTEMPTS:
        sweeps.forget_job(writer, job_id, run_id)
        return AGAIN
    return _fail(writer, job_id, f"Lost {ATTEMPTS} times. {sentence(news.message)}")


def _fail(writer: Writer, job_id: str, why: str) -> str:
    writer.end_race(job_id, "failed", why)
    return ENDED
