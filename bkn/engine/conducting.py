"""One turn of a conductor after the other: what it does in its own thread.

    pay what is owed to the store                          after it refused
    listen to the executor, and write the news             one transaction, all or nothing
    look at the sweeps in the store, once a second         stopped? owner dead? jobs free?
    while a slot is free: begin the next job               sweeps take turns
    a sweep with nothing left is finished

A store that refuses is tried again for a while; then everything is given up in words, which are
written as soon as the store allows.
"""

import math
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from bkn.engine.closing import JOB_ENDED
from bkn.engine.executor import DONE, FAILED, LOST, Executor, News, Timing
from bkn.engine.ledger import AGAIN, GOES_ON, TAKEN, Flight, Ledger
from bkn.engine.recorder import PATIENCE, RETRY_EVERY
from bkn.engine.share import Share, Turns
from bkn.engine.timings import Timings
from bkn.engine.worker import explain
from bkn.store import sweeps
from bkn.store.errors import StoreError
from bkn.store.home import store_path
from bkn.store.reader import Reader

WAIT = 0.1  # seconds that one look at the executor lasts, at the most
LOOK_EVERY = 1.0  # seconds between looks at the sweeps in the store
STOPPED = "The sweep was stopped; continue it and this is trained anew."
FINAL = (DONE, FAILED, LOST)  # kinds after which an executor has nothing more to do for a job


class Conducting:
    """The state of a conductor; used by one thread.

    Args:
        home: folder of the store.
        owner: id under which the store knows the conductor.
        make_executor: called when there is something to train.
    """

    def __init__(self, home: Path, owner: str, make_executor: Callable[[], Executor]):
        self.owner, self._make_executor = owner, make_executor
        self.reader, self.ledger = Reader(store_path(home)), Ledger(home, owner)
        self.shares, self.timings = Turns(), Timings()
        self.flights: dict[str, Flight] = {}  # by job
        self.executor: Executor | None = None
        self.trouble = ""  # why everything was given up, in words
        self._losses: dict[str, int] = {}  # by job: how often its process or node died
        self._news: list[News] = []  # heard, not yet written
        self._refused_at, self._look_at = math.inf, 0.0

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._has_work or self.ledger.in_debt)

    @property
    def _has_work(self) -> bool:
        return bool(len(self.shares) or self.timings.left)

    def add(self, share: Share) -> None:
        """Run a sweep; an earlier share of it that is still here is replaced."""
        self.trouble = ""
        self.shares.add(share)
        self.look_soon()

    def look_soon(self) -> None:
        """Something changed in the store."""
        self._look_at = 0.0

    def turn(self) -> None:
        """Do what there is to do now; waits a moment for news."""
        try:
            self.ledger.pay()
            if self._has_work:
                if self.executor is None:
                    self.executor = self._make_executor()
                self._listen(self.executor)
                if time.monotonic() >= self._look_at:
                    self._look(self.executor)
                self._begin(self.executor)
                self._finish()
            self._refused_at = math.inf
        except StoreError as error:
            self._refused(error)
        except Exception as error:  # told to the user
            if not isinstance(error, ValueError):  # which says in words what is wrong
                traceback.print_exc()
            self._give_up(explain(error))

    def rest(self) -> None:
        """Nothing to do for a while: end the processes."""
        self._close_executor()
        self.ledger.forget_owner()

    def close(self) -> None:
        """Leave what was not stopped as interrupted: whoever comes next may continue it."""
        try:
            if self.executor is not None:
                self._look(self.executor, leaving=True)
            for job_id in self.flights:
                self.ledger.owe_job(job_id, "interrupted", JOB_ENDED)
            self.ledger.pay()
        except StoreError:
            traceback.print_exc()  # without beats it reads as interrupted all the same
        self.rest()
        self.ledger.close()
        self.reader.close()

    def _listen(self, executor: Executor) -> None:
        """Write what happened, then heed it."""
        self._news += executor.poll(WAIT)
        ours = [(self.flights[n.job_id], n) for n in self._news if n.job_id in self.flights]
        if ours:
            for (_, news), follows in zip(ours, self.ledger.enter(ours), strict=True):
                self._heed(news, follows, executor)
        for news in self._news:
            self.timings.hear(news)
        self._news = []

    def _heed(self, news: News, follows: str, executor: Executor) -> None:
        if follows == GOES_ON or news.job_id not in self.flights:
            return
        flight = self.flights.pop(news.job_id)
        if news.kind not in FINAL:
            executor.cancel(news.job_id)
        self._losses.pop(news.job_id, None)
        share = self.shares.get(flight.sweep_id)
        if follows == AGAIN:
            self._losses[news.job_id] = flight.attempt
        if share is not None and follows == AGAIN:
            share.todo.appendleft(flight.job)
        elif share is not None and follows == TAKEN:
            share.elsewhere.append(flight.job)

    def _look(self, executor: Executor, leaving: bool = False) -> None:
        """Heed what others wrote about our sweeps, and try again what was in their hands."""
        for share in self.shares:
            row = sweeps.sweep_row(self.reader, share.id)
            if row is None or row.stored == "stopped":
                self._drop(share, executor)
            elif not leaving:
                if row.status != "running" and row.owner != self.owner:
                    self.ledger.own_sweep(share.id)
                share.return_all()
        self._look_at = time.monotonic() + LOOK_EVERY

    def _drop(self, share: Share, executor: Executor) -> None:
        """A sweep was stopped: its jobs end, but for those that another one waits for."""
        self.shares.remove(share.id)
        for flight in [one for one in self.flights.values() if one.sweep_id == share.id]:
            heir = next((other for other in self.shares if other.wants(flight.job.id)), None)
            if heir is not None:
                flight.sweep_id = heir.id
                continue
            executor.cancel(flight.job.id)
            del self.flights[flight.job.id]
            self.ledger.owe_job(flight.job.id, "stopped", STOPPED)
        self.ledger.pay()

    def _begin(self, executor: Executor) -> None:
        """Fill the free slots."""
        while len(self.flights) + len(self.timings.under_way) < executor.slots:
            if (job := self.timings.next(self.flights)) is not None:
                if isinstance(executor, Timing):
                    executor.time(job)
                else:
                    self.timings.give_up()
            elif (flight := self._next()) is not None:
                self.flights[flight.job.id] = flight
                executor.submit(flight.job)
            else:
                return

    def _next(self) -> Flight | None:
        """Take the next job: of the sweep whose turn it is, else of another."""
        for share in self.shares:
            while (job := share.next({*self.flights, *self.timings.under_way})) is not None:
                try:
                    run_id, status = self.ledger.take(job, share.may_retry(job.id))
                except StoreError:
                    share.todo.appendleft(job)
                    raise
                share.retried.add(job.id)
                if run_id is not None:
                    self.shares.served(share)
                    return Flight(job, run_id, share.id, 1 + self._losses.get(job.id, 0))
                if status not in sweeps.DONE:
                    share.elsewhere.append(job)
        return None

    def _finish(self) -> None:
        """Sweeps with nothing left to begin, and nothing in flight, are finished."""
        flown_for = {flight.sweep_id for flight in self.flights.values()}
        for share in self.shares:
            if share.begun and share.id not in flown_for:
                rows = sweeps.job_rows(self.reader, [job.id for job in share.jobs])
                failed = sum(row.status == "failed" for row in rows.values())
                words = f"{failed:,} of {len(share.jobs):,} experiments failed." if failed else ""
                self.ledger.finish_sweep(share.id, words)
                self.shares.remove(share.id)

    def _refused(self, error: StoreError) -> None:
        now = time.monotonic()
        self._refused_at = min(self._refused_at, now)
        if now - self._refused_at >= PATIENCE.get(error.kind, 0.0):
            self._give_up(str(error))
        time.sleep(RETRY_EVERY)

    def _give_up(self, why: str) -> None:
        """End all work; the sweeps will say why, as soon as the store allows."""
        self.trouble = self.trouble or why
        for job_id in self.flights:
            self.ledger.owe_job(job_id, "stopped", STOPPED)
        for share in self.shares:
            self.ledger.owe_sweep(share.id, why)
            self.shares.remove(share.id)
        self.flights, self._news = {}, []
        self.timings.give_up()
        self._close_executor()

    def _close_executor(self) -> None:
        executor, self.executor = self.executor, None
        if executor is not None:
            try:
                executor.close()
            except Exception:  # whatever it held is lost anyway
                traceback.print_exc()
