"""Verdicts of a finished run of all claims, as a small JSON file that is shipped with the code.

Written by what writes docs/claims.md, from the same verdicts, so that a page can show them before
anybody has trained anything. Numbers that are not finite are stored as null.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, nan
from pathlib import Path
from typing import Any, NamedTuple

from bkn.claims.base import (
    INCONCLUSIVE,
    NOT_SUPPORTED,
    SUPPORTED,
    Claim,
    Comparison,
    PartVerdict,
    Verdict,
)
from bkn.results import Result
from bkn.store.home import ROOT
from bkn.sweep import Job

PATH = ROOT / "assets" / "recorded" / "claims.json"
VERSION = 1
DECIDED = (SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE)


class Run(NamedTuple):
    """What is kept of one run."""

    status: str
    accuracy: float | None  # of the test images, a fraction; guessing where it diverged
    seconds: float | None  # that it took


@dataclass(frozen=True)
class Recorded:
    """One claim's verdict, and what it was made from."""

    verdict: Verdict
    protocol: str  # laptop or gpu
    at: float  # when, seconds since the epoch
    machine: str  # on what kind of machine
    runs: tuple[Run, ...]  # of each job, in their order
    jobs: str  # key of those jobs

    def fits(self, claim: Claim) -> bool:
        """Whether the protocol still asks for the same runs."""
        return self.jobs == jobs_key(claim.protocol(self.protocol).jobs)


def machine_kind(device: str = "") -> str:
    """This machine in a few words that name nobody: Linux x86_64, 2 cores, CPU."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    kind = f"{platform.system()} {platform.machine()}, {cores} core{'s' if cores != 1 else ''}"
    return f"{kind}, {device or 'CPU'}"


def jobs_key(jobs: Sequence[Job]) -> str:
    """Equal lists of jobs share it."""
    return hashlib.sha256(" ".join(job.id for job in jobs).encode()).hexdigest()[:12]


def record(
    verdict: Verdict, results: Sequence[Result], protocol: str, at: float, machine: str
) -> Recorded:
    """What is kept of a verdict.

    Raises:
        ValueError: for one that is not decided.
    """
    if verdict.verdict not in DECIDED:
        raise ValueError(f"only a decided claim can be recorded, got {verdict.verdict!r}")
    runs = tuple(Run(one.status, one.accuracy, _seconds(one)) for one in results)
    key = jobs_key([one.job for one in results])
    return Recorded(verdict, protocol, at, machine, runs, key)


def write(found: Mapping[str, Recorded], path: Path = PATH) -> None:
    """Write them all; a reader never sees half of the file."""
    body = {"version": VERSION, "claims": {key: _plain(one) for key, one in found.items()}}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(json.dumps(body, indent=1, allow_nan=False) + "\n")
    half.replace(path)


def read(path: Path = PATH) -> dict[str, Recorded]:
    """What was written; nothing where there is no such file.

    Raises:
        ValueError: for a file of another form.
    """
    if not path.exists():
        return {}
    try:
        body = json.loads(path.read_text())
        if body["version"] != VERSION:
            raise ValueError(f"version {body['version']}, this BKN Lab knows {VERSION}")
        return {key: _rebuilt(one) for key, one in body["claims"].items()}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} does not hold recorded claims: {error}") from error


def _plain(one: Recorded) -> dict[str, Any]:
    verdict = asdict(one.verdict) | {"missing": [], "failed": []}  # its words count them
    runs = [[run.status, _rounded(run.accuracy, 5), _rounded(run.seconds, 3)] for run in one.runs]
    plain = asdict(one) | {"verdict": verdict, "runs": runs}
    return _nulls(plain)


def _seconds(result: Result) -> float | None:
    found = result.summary.get("wall_seconds", result.summary.get("seconds"))
    return None if found is None else float(found)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nulls(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_nulls(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _rebuilt(plain: Mapping[str, Any]) -> Recorded:
    given = dict(plain["verdict"])
    parts = tuple(
        PartVerdict(**{**part, "tests": tuple(_comparison(test) for test in part["tests"])})
        for part in given.pop("parts")
    )
    given |= {"missing": (), "failed": ()}
    verdict = Verdict(**_floats(given, ("effect", "low", "high")), parts=parts)
    runs = tuple(Run(*run) for run in plain["runs"])
    return Recorded(**{**plain, "verdict": verdict, "runs": runs})


def _comparison(plain: Mapping[str, Any]) -> Comparison:
    return Comparison(**_floats(plain, ("effect", "low", "high", "level", "margin", "p")))


def _floats(plain: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """With null as not a number in these fields."""
    return {key: nan if key in names and value is None else value for key, value in plain.items()}
