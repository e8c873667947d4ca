"""How long a sweep will take, from the times of steps that were measured. No torch.

Jobs that differ in nothing that costs time are of one kind. The time of a kind is the median over
its finished runs in the store; a kind that was never trained takes that of its nearest relative,
scaled by the root of the images per step (small networks cost much per step, large ones per
image). A kind without a relative has to be timed first, or the estimate stays unknown.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bkn.experiment import Experiment
from bkn.store.reader import Reader
from bkn.store.sweeps import JobRow, job_rows, left_of
from bkn.sweep import Job, Sweep

FREE = ("lr", "seed", "epochs", "momentum", "weight_decay")  # cost no time per step
FAMILY = ("dataset", "dataset_options", "network", "network_options", "device", "method", "options")
LOOK_BACK = 3000  # runs
TEST_SHARE = 1.15  # time with tests over that of steps alone, where only steps were timed

Times = Mapping[str, float]  # kind: milliseconds per step


@dataclass(frozen=True)
class Estimate:
    """How long it will take."""

    seconds: float | None  # None: unknown
    jobs_left: int
    measured: int  # how many of them by times of their own kind
    slots: int  # jobs at a time

    @property
    def words(self) -> str:
        """As a phrase: "about 3 min for 27 experiments, 2 at a time"."""
        if not self.jobs_left:
            return "nothing is left to train"
        what = f"{self.jobs_left:,} experiment" + ("s" if self.jobs_left > 1 else "")
        what += f", {self.slots} at a time" if self.slots > 1 and self.jobs_left > 1 else ""
        if self.seconds is None:
            return f"not known yet for {what}"
        guessed = self.jobs_left - self.measured
        return f"about {duration(self.seconds)} for {what}" + (
            f"; {guessed:,} of them judged by similar ones" if guessed else ""
        )


def estimate(
    reader: Reader,
    jobs: Sweep | Iterable[Job],
    slots: int,
    timed: Times | None = None,
    rows: Mapping[str, JobRow] | None = None,
    times: Times | None = None,
    again: bool = False,
) -> Estimate:
    """How long the jobs will take that are not done; also while they run.

    Args:
        reader: of the store.
        jobs: all of them, done or not.
        slots: jobs at a time.
        timed: milliseconds per step by kind that were measured elsewhere, see `kind_of`.
        rows: where the jobs stand, if that is known already.
        times: what `known_times` found, if that is known already.
        again: what failed is to be trained once more.
    """
    all_jobs = jobs.jobs if isinstance(jobs, Sweep) else list(jobs)
    stands = job_rows(reader, [job.id for job in all_jobs]) if rows is None else rows
    left = left_of(all_jobs, stands, again)
    if not left:
        return Estimate(0.0, 0, 0, slots)
    known = dict(known_times(reader) if times is None else times) | dict(timed or {})
    guesses: dict[str, float | None] = {}
    seconds: list[float | None] = []
    measured = 0
    for job in left:
        kind = kind_of(job.experiment)
        measured += kind in known
        if kind not in guesses:
            guesses[kind] = known[kind] if kind in known else by_relatives(kind, known)
        steps = job.experiment.steps - _steps_done(stands.get(job.id))
        per_step = guesses[kind]
        seconds.append(None if per_step is None else max(0, steps) * per_step / 1e3)
    if None in seconds:
        return Estimate(None, len(left), measured, slots)
    took = [one for one in seconds if one is not None]
    return Estimate(max(sum(took) / slots, max(took)), len(left), measured, slots)


def to_be_timed(reader: Reader, jobs: Iterable[Job], timed: Times | None = None) -> list[Job]:
    """One job of every family that has no measured member: their times cannot be judged."""
    known = known_times(reader) | dict(timed or {})
    families = {_family(json.loads(kind)) for kind in known}
    found: dict[str, Job] = {}
    for job in jobs:
        family = _family(_timed_part(asdict(job.experiment)))
        if family not in families:
            found.setdefault(family, job)
    return list(found.values())


def kind_of(experiment: Experiment) -> str:
    """What the time of a step depends on, as text."""
    return _text(_timed_part(asdict(experiment)))


def known_times(reader: Reader) -> dict[str, float]:
    """Milliseconds per step of every kind with finished runs; jobs count before races.

    A job's own time counts whole, with tests and everything around its steps.
    """
    found = reader.query(
        "SELECT race.job IS NOT NULL, run.experiment, run.summary FROM run "
        "JOIN race ON race.id=run.race WHERE run.status='finished' ORDER BY run.id DESC LIMIT ?",
        (LOOK_BACK,),
    )
    times: tuple[dict[str, list[float]], ...] = {}, {}  # of races, of jobs
    for is_job, experiment, figures in found:
        summary = json.loads(figures)
        if not summary.get("steps") or "step_ms" not in summary:
            continue
        per_step = TEST_SHARE * summary["step_ms"]
        if "wall_seconds" in summary:
            per_step = 1e3 * summary["wall_seconds"] / summary["steps"]
        kind = _text(_timed_part(json.loads(experiment)))
        times[is_job].setdefault(kind, []).append(per_step)
    races, jobs = ({k: median(v) for k, v in some.items()} for some in times)
    return races | jobs


def by_relatives(kind: str, known: Times) -> float | None:
    """Milliseconds per step, judged by the nearest kinds on the same network and data."""
    wanted = json.loads(kind)
    by_distance: dict[float, list[float]] = {}
    for other, per_step in known.items():
        near = json.loads(other)
        scaled = per_step * math.sqrt(_images(wanted) / _images(near))
        by_distance.setdefault(_distance(wanted, near), []).append(scaled)
    nearest = min(by_distance, default=math.inf)
    return None if nearest == math.inf else median(by_distance[nearest])


def duration(seconds: float) -> str:
    """As people say it: "8 s", "3 min", "1 h 20 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes and hours < 24 else "")


def _steps_done(row: JobRow | None) -> int:
    """Steps that a job under way need not take again."""
    return row.step if row is not None and row.status == "running" else 0


def _timed_part(experiment: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in experiment.items() if name not in FREE}


def _text(values: Any) -> str:
    return json.dumps(values, sort_keys=True)


def _family(kind: Mapping[str, Any]) -> str:
    return _text([kind.get(name) for name in FAMILY])


def _images(kind: Mapping[str, Any]) -> int:
    return int(kind["batch"]) * int(kind.get("copies", 1))


def _distance(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """How different two kinds are; infinite where nothing follows for the other."""
    if any(a.get(name) != b.get(name) for name in FAMILY[:4]):
        return math.inf
    distance = 4.0 * (a["device"] != b["device"])
    if a["method"] != b["method"]:
        distance += 2.0
    elif a["options"] != b["options"]:
        distance += 1.0
    distance += 0.5 * abs(math.log2(_images(a) / _images(b)))
    return distance + 0.25 * abs(math.log2(a["micro_batch"] / b["micro_batch"]))
