"""Kinds of jobs whose steps a conductor has timed, and those it still has to."""

import threading
from collections import deque
from collections.abc import Collection, Iterable

from bkn.engine.estimate import kind_of
from bkn.engine.executor import BEGUN, TIMED, TOLD, News
from bkn.sweep import Job


class Timings:
    """What was asked to be timed, and the answers. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._under_way: dict[str, Job] = {}
        self._times: dict[str, float] = {}
        self._untimed: dict[str, str] = {}  # kinds that cannot be timed, and why

    @property
    def left(self) -> int:
        """How many are still to be timed."""
        with self._lock:
            return len(self._waiting) + len(self._under_way)

    @property
    def under_way(self) -> Collection[str]:
        """Ids of jobs that are being timed."""
        with self._lock:
            return set(self._under_way)

    @property
    def times(self) -> dict[str, float]:
        """Milliseconds per step by kind."""
        with self._lock:
            return dict(self._times)

    @property
    def untimed(self) -> list[str]:
        """Why some kinds could not be timed, each reason once."""
        with self._lock:
            return list(dict.fromkeys(self._untimed.values()))

    def ask(self, jobs: Iterable[Job]) -> None:
        """Time these, but for kinds that are asked for already or cannot be timed."""
        with self._lock:
            asked = {kind_of(j.experiment) for j in (*self._waiting, *self._under_way.values())}
            for job in jobs:
                if kind_of(job.experiment) not in asked | self._untimed.keys():
                    self._waiting.append(job)

    def next(self, busy: Collection[str]) -> Job | None:
        """The next job to be timed; one that is being trained times itself."""
        with self._lock:
            while self._waiting:
                job = self._waiting.popleft()
                if job.id not in busy:
                    self._under_way[job.id] = job
                    return job
            return None

    def hear(self, news: News) -> None:
        """What an executor says; news of other jobs are none of ours."""
        with self._lock:
            if news.kind in (BEGUN, TOLD) or news.job_id not in self._under_way:
                return
            kind = kind_of(self._under_way.pop(news.job_id).experiment)
            if news.kind == TIMED:
                self._times[kind] = float(dict(news.told)["step_ms"])
            else:
                self._untimed[kind] = news.message

    def give_up(self) -> None:
        """Nothing will be timed any more of what was asked so far."""
        with self._lock:
            self._waiting.clear()
            self._under_way.clear()
