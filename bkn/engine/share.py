"""One sweep in a conductor's hands: which of its jobs are still to be begun, and in what order."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from bkn.sweep import Job


@dataclass
class Share:
    """What is left to begin of a sweep.

    Args:
        id: of the sweep.
        jobs: all of it, in order.
        again: statuses of what is done with which a job is run once more: "failed".
    """

    id: str
    jobs: tuple[Job, ...]
    again: Collection[str] = ()
    todo: deque[Job] = field(default_factory=deque)
    elsewhere: list[Job] = field(default_factory=list)  # in other hands, looked at again later
    retried: set[str] = field(default_factory=set)  # ids that `again` has been used for

    def __post_init__(self) -> None:
        self.todo.extend(self.jobs)

    @property
    def begun(self) -> bool:
        """Whether nothing is left to begin, here or elsewhere."""
        return not self.todo and not self.elsewhere

    def skip(self, ids: Collection[str]) -> None:
        """Leave out jobs that are done."""
        self.todo = deque(job for job in self.todo if job.id not in ids)

    def next(self, busy: Collection[str]) -> Job | None:
        """The next job to begin, unless it is busy in these hands already."""
        while self.todo:
            job = self.todo.popleft()
            if job.id not in busy:
                return job
            self.elsewhere.append(job)
        return None

    def return_all(self) -> None:
        """What was in other hands may be free now: it comes first."""
        self.todo.extendleft(reversed(self.elsewhere))
        self.elsewhere = []

    def may_retry(self, job_id: str) -> Collection[str]:
        """Statuses of what is done with which this job is run all the same: once."""
        return () if job_id in self.retried else self.again

    def wants(self, job_id: str) -> bool:
        """Whether it waits for a job that is in other hands."""
        return any(job.id == job_id for job in (*self.elsewhere, *self.todo))


class Turns:
    """Shares take turns: each is asked for a job after the others were."""

    def __init__(self) -> None:
        self._shares: dict[str, Share] = {}

    def __iter__(self) -> Iterator[Share]:
        return iter(list(self._shares.values()))

    def __len__(self) -> int:
        return len(self._shares)

    def get(self, sweep_id: str) -> Share | None:
        return self._shares.get(sweep_id)

    def add(self, share: Share) -> None:
        """Also in place of an earlier share of the same sweep."""
        self._shares[share.id] = share

    def remove(self, sweep_id: str) -> None:
        self._shares.pop(sweep_id, None)

    def served(self, share: Share) -> None:
        """It had its turn: it is the last one now."""
        self._shares[share.id] = self._shares.pop(share.id)
