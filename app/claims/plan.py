"""What it takes to run claims: how long, and what this machine lacks for it."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from app.claims.standing import Standing
from app.lab import Lab
from bkn.catalog import DATASETS
from bkn.claims.base import Claim
from bkn.claims.recorded import Recorded
from bkn.engine.estimate import Estimate, estimate, kind_of, known_times
from bkn.engine.local import visible_gpus
from bkn.fetch.state import state
from bkn.store.sweeps import JobRow
from bkn.sweep import Job

FRESH = 10.0  # seconds that an estimate is good for
NO_GPU = (
    "This machine shows no NVIDIA GPU. On a CPU this protocol takes days; run it where there is "
    "one, or on a cluster."
)
gpus = cache(visible_gpus)  # asks a program, which takes a moment


class Plans:
    """Estimates, worked out once for all visitors.

    Steps of a kind that was never trained here take as long as where the record was made, if it
    was trained there.

    Args:
        claims: by key.
        recorded: by key.
    """

    def __init__(self, claims: Mapping[str, Claim], recorded: Mapping[str, Recorded]):
        self._claims, self._recorded = claims, recorded
        self._lock = threading.Lock()
        self._elsewhere: dict[str, float] | None = None
        self._times: tuple[float, dict[str, float]] = (float("-inf"), {})
        self._made: dict[str, tuple[float, Estimate]] = {}

    def left(self, lab: Lab, standings: Iterable[Standing]) -> Estimate:
        """For what is not done of these claims; runs that they share are counted once."""
        listed = list(standings)
        jobs = {job.id: job for one in listed for job in one.jobs}
        rows = {key: row for one in listed for key, row in one.rows.items()}
        name = " ".join(f"{one.protocol} {one.claim.key} {one.done}" for one in listed)
        return self._estimate(lab, name, list(jobs.values()), rows)

    def whole(self, lab: Lab, claim: Claim, protocol: str) -> Estimate:
        """For all of a protocol, as if nothing were done."""
        return self._estimate(
            lab, f"{protocol} {claim.key} whole", claim.protocol(protocol).jobs, {}
        )

    @property
    def borrowed(self) -> bool:
        """Whether all times are those of the record, as nothing was trained here yet."""
        return bool(self._elsewhere) and not self._times[1]

    def _estimate(
        self, lab: Lab, name: str, jobs: Iterable[Job], rows: Mapping[str, JobRow]
    ) -> Estimate:
        with self._lock:
            now = time.monotonic()
            at, found = self._made.get(name, (0.0, None))
            if found is None or now - at > FRESH:
                reader, slots = lab.supervisor.reader, lab.conductor.slots
                found = estimate(reader, jobs, slots, rows=rows, times=self._known(lab, now))
                self._made = {key: one for key, one in self._made.items() if now - one[0] <= FRESH}
                self._made[name] = now, found
            return found

    def _known(self, lab: Lab, now: float) -> dict[str, float]:
        """Milliseconds per step by kind."""
        if self._elsewhere is None:
            self._elsewhere = steps_elsewhere(self._claims, self._recorded)
        if now - self._times[0] > FRESH:
            self._times = now, known_times(lab.supervisor.reader)
        return self._elsewhere | self._times[1]


def steps_elsewhere(
    claims: Mapping[str, Claim], recorded: Mapping[str, Recorded]
) -> dict[str, float]:
    """Milliseconds per step of the recorded runs, by kind of job."""
    times: dict[str, float] = {}
    for key, kept in recorded.items():
        if key not in claims or not kept.fits(claims[key]):
            continue
        jobs = claims[key].protocol(kept.protocol).jobs
        for job, run in zip(jobs, kept.runs, strict=True):
            if run.seconds and run.status == "finished":
                times[kind_of(job.experiment)] = 1e3 * run.seconds / job.experiment.steps
    return times


@dataclass(frozen=True)
class Lacks:
    """What this machine lacks for a claim's runs."""

    data: tuple[str, ...] = ()  # keys of datasets; without them the runs fail
    speed: str = ""  # a sentence; without it they take very long


def lacks(one: Standing) -> Lacks:
    """Look for the images, and for a GPU where the protocol wants one."""
    used = sorted({job.experiment.dataset for job in one.jobs})
    missing = tuple(key for key in used if not state(DATASETS[key]).ready)
    return Lacks(missing, NO_GPU if one.protocol == "gpu" and not gpus() else "")
