"""The Ray executor: jobs become tasks of a cluster, told to this process, which alone writes.

A task is a generator (ray_task.py): what it yields comes to this process, its owner, in order and
only through the stream of that attempt. Whoever drops the stream hears no more of the attempt: an
attempt given up as lost can still train somewhere, but never speak for the job again.

Ray does not retry by itself: it would go on telling where the dead attempt broke off. A lost
attempt is said to be lost, and who submits it again begins anew.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bkn.engine.executor import BEGUN, FAILED, LOST, News
from bkn.engine.job_worker import ALIVE, OVER
from bkn.engine.ray_cluster import RayCluster, brief
from bkn.engine.ray_task import Line, attempt
from bkn.engine.worker import sentence
from bkn.sweep import Job

SILENT_AFTER = 60.0  # seconds without a line after which an attempt counts as lost
LOOK_EVERY = 5.0  # seconds between looks at what the cluster has
LOSSES = {  # errors of Ray: what they mean
    "NodeDiedError": "The node was lost that trained it{on}.",
    "WorkerCrashedError": "Its process{on} died.",
    "OutOfMemoryError": "Its process{on} was ended, the node had no memory left.",
}


@dataclass
class Attempt:
    """One try at a job."""

    do: str  # train or time
    job: Job
    needs: dict[str, float]  # of a node
    stream: Any  # Ray's generator of lines
    place: str = ""  # where it runs, once it has begun
    heard_at: float = 0.0  # monotonic seconds of the last line


class RayExecutor:
    """Trains jobs as tasks of a Ray cluster. See RayCluster.

    Args:
        address: auto, host:port or local.
        slots: jobs at a time; as many as the cluster has room for, when not given.
        cpus: a job takes of a node.
        gpus: a job takes of a node if it may use one (device auto or cuda) and the cluster has
            any; below 1 several jobs share a GPU, with 0 all train on CPUs.
        datasets: that the jobs train on; those that were fetched travel to the nodes.
        pip: packages that every node installs first.

    Raises:
        ValueError: in words, for wrong numbers, or a cluster that cannot be used.
    """

    def __init__(
        self,
        address: str = "auto",
        slots: int | None = None,
        cpus: float = 1.0,
        gpus: float = 1.0,
        datasets: Sequence[str] = (),
        pip: Sequence[str] = (),
    ):
        if slots is not None and slots < 1:
            raise ValueError(f"jobs at a time must be at least 1, got {slots}")
        if cpus <= 0 or gpus < 0:
            raise ValueError(
                f"a job takes more than 0 CPUs and at least 0 GPUs, got {cpus:g} and {gpus:g}"
            )
        self.cpus, self.gpus = cpus, gpus
        self.cluster = RayCluster(address, datasets, pip)
        self._fixed_slots = slots
        self._attempts: dict[str, Attempt] = {}  # by job id
        try:
            self._check_needs()
            self._look()
        except BaseException:
            self.cluster.leave()
            raise

    def submit(self, job: Job) -> None:
        self._submit("train", job)

    def time(self, job: Job) -> None:
        self._submit("time", job)

    def poll(self, timeout: float) -> list[News]:
        deadline = time.monotonic() + timeout
        if time.monotonic() - self._looked_at > LOOK_EVERY:
            self._look()
        news: list[News] = []
        while ready := self._ready(0.0 if news else max(0.0, deadline - time.monotonic())):
            for one in ready:
                news += self._hear(one)
        return news + self._silent()  # last: this process itself may have slept

    def cancel(self, job_id: str) -> None:
        if one := self._attempts.pop(job_id, None):
            self._end(one)

    def close(self) -> None:
        for job_id in list(self._attempts):
            self.cancel(job_id)
        self.cluster.leave()

    def needs(self, job: Job) -> dict[str, float]:
        """CPUs and GPUs that a job takes of a node."""
        wants = job.experiment.device == "auto" or job.experiment.device.startswith("cuda")
        return {"num_cpus": self.cpus, "num_gpus": self.gpus if wants and self._has_gpus else 0.0}

    def _check_needs(self) -> None:
        """Refuse what no node can give; where none has any, one may still come."""
        for needed, resource in ((self.cpus, "CPU"), (self.gpus, "GPU")):
            if 0 < (most := self.cluster.most(resource)) < needed:
                raise ValueError(
                    f"a job takes {needed:g} {resource}s of a node, and no node of the cluster has "
                    f"more than {most:g}"
                )

    def _look(self) -> None:
        """Ask what the cluster has; nodes come and go."""
        self._looked_at = time.monotonic()
        cpus, gpus = self.cluster.has("CPU"), self.cluster.has("GPU")
        self._has_gpus = gpus > 0 and self.gpus > 0
        room = min(cpus / self.cpus, gpus / self.gpus if self._has_gpus else cpus / self.cpus)
        self.slots = self._fixed_slots or max(1, int(room))
        for one in list(self._attempts.values()):
            if not one.place and one.needs != self.needs(one.job):
                self._end(one)  # it would wait for what is no longer there
                self._begin(one.do, one.job)

    def _submit(self, do: str, job: Job) -> None:
        if job.id in self._attempts:
            raise ValueError(f"job {job.id} is being trained already")
        self._begin(do, job)

    def _begin(self, do: str, job: Job) -> None:
        needs = self.needs(job)
        stream = self.cluster.start(attempt, do, job.to_json(), **needs)
        self._attempts[job.id] = Attempt(do, job, needs, stream)

    def _ready(self, seconds: float) -> list[Attempt]:
        """The attempts that have a line to hear; waits so long for the first."""
        by_stream = {one.stream: one for one in self._attempts.values()}
        if not by_stream:
            time.sleep(seconds)
            return []
        wait, streams = self.cluster.ray.wait, list(by_stream)
        ready, _ = wait(streams, num_returns=1, timeout=seconds)
        if ready:
            ready, _ = wait(streams, num_returns=len(streams), timeout=0.0)
        return [by_stream[stream] for stream in ready]

    def _hear(self, one: Attempt) -> list[News]:
        """The next line of an attempt, which is there."""
        job_id = one.job.id
        try:
            line: Line = self.cluster.ray.get(next(one.stream))
        except (StopIteration, self.cluster.ray.exceptions.RayError) as error:
            del self._attempts[job_id]
            kind, words = ending(error, one.place)
            return [News(job_id, kind, message=words)]
        kind, told, words = line
        one.heard_at = time.monotonic()
        if kind == BEGUN:
            one.place, words = words, ""
        if kind in OVER:
            del self._attempts[job_id]
        return [] if kind == ALIVE else [News(job_id, kind, told, words)]

    def _silent(self) -> list[News]:
        """Give up attempts that have begun and not been heard of for too long."""
        now, lost = time.monotonic(), []
        for one in list(self._attempts.values()):
            if one.place and now - one.heard_at > SILENT_AFTER:
                self.cancel(one.job.id)
                words = f"{one.place} gave no sign of life for {SILENT_AFTER:g} seconds."
                lost.append(News(one.job.id, LOST, message=words))
        return lost

    def _end(self, one: Attempt) -> None:
        """See that it stops, wherever it is; its process too, which may be in one long step."""
        self.cluster.ray.cancel(one.stream, force=True)


def ending(error: Exception, place: str) -> tuple[str, str]:
    """Kind and words of the news that an error of Ray's is."""
    kind, on = type(error).__name__, f" on {place}" if place else ""
    if kind in LOSSES:
        return LOST, LOSSES[kind].format(on=on)
    if kind == "RuntimeEnvSetupError":
        return FAILED, sentence(f"a node could not be set up: {brief(error)}")
    if kind.startswith("RayTaskError"):  # our code does not raise: it says FAILED
        return FAILED, sentence(f"it could not be begun{on}: {brief(error)}")
    return LOST, sentence(f"the attempt{on} broke off: {brief(error)}")
