"""Where every claim stands: its verdict here, or the recorded one, and how far its runs are.

All visitors share one look at the store. A claim is judged again only when one of its runs is
done, so that a page with many finished runs refreshes as quickly as an empty one.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan

from bkn.claims.base import NOT_RUN, RUNNING, Claim, Verdict
from bkn.claims.decisions import FEWEST
from bkn.claims.recorded import DECIDED, Recorded
from bkn.results import results
from bkn.store.reader import Reader
from bkn.store.schema import ACTIVE
from bkn.store.sweeps import DONE, JobRow, SweepRow, job_rows, sweeps
from bkn.sweep import Job

STAGES = ("running", "interrupted", "stopped")  # the first that one of its sweeps is in
FRESH = 0.3  # seconds that one look serves all visitors
MOST_SWEEPS = 2000  # of the store that are looked through
Print = tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """One claim under one protocol, as it stands."""

    claim: Claim
    protocol: str  # laptop or gpu
    own: Verdict  # by the runs in this store
    recorded: Recorded | None  # what came with the code
    stage: str  # one of STAGES; "": nobody runs it, or it is over
    sweep_ids: tuple[str, ...]  # of its sweeps in the store that are not over
    messages: tuple[str, ...]  # what those say, such as why they were given up
    rows: Mapping[str, JobRow]  # of its jobs that have been begun

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        return self.claim.protocol(self.protocol).jobs

    @cached_property
    def done_ids(self) -> set[str]:
        """Jobs that are done."""
        return {key for key, row in self.rows.items() if row.status in DONE}

    @property
    def done(self) -> int:
        """How many."""
        return len(self.done_ids)

    @cached_property
    def share(self) -> float:
        """How much of all is trained, with what runs now."""
        steps = {job.id: job.experiment.steps for job in self.jobs}
        begun = sum(row.step / steps[row.id] for row in self.rows.values() if row.status in ACTIVE)
        return min(1.0, (self.done + begun) / max(len(self.jobs), 1))

    @property
    def decided(self) -> bool:
        """Whether the runs in this store gave a verdict."""
        return self.own.verdict in DECIDED

    @property
    def from_record(self) -> bool:
        """Whether what is shown was recorded elsewhere."""
        if self.decided or self.recorded is None:
            return False
        return not (self.stage and self.own.seeds >= FEWEST)

    @property
    def shown(self) -> Verdict:
        """The verdict whose effects are shown; not always decided."""
        return self.recorded.verdict if self.recorded and self.from_record else self.own

    @property
    def verdict(self) -> str:
        """What its badge says: one of VERDICTS."""
        if self.decided:
            return self.own.verdict
        if self.stage == "running":
            return RUNNING
        return self.shown.verdict if self.from_record else NOT_RUN


class Standings:
    """All claims, looked at together.

    Args:
        reader: of the store.
        claims: by key, in the order in which they are shown.
        recorded: by key, of the laptop protocol.
    """

    def __init__(
        self, reader: Reader, claims: Mapping[str, Claim], recorded: Mapping[str, Recorded]
    ):
        self.reader, self.claims, self.recorded = reader, claims, recorded
        self._lock = threading.Lock()
        self._ids: dict[str, dict[str, tuple[str, ...]]] = {}  # protocol: claim: ids of its jobs
        self._definitions: dict[str, dict[str, set[str]]] = {}
        self._judged: dict[tuple[str, str], tuple[Print, Verdict]] = {}
        self._looks: dict[str, tuple[float, dict[str, Standing]]] = {}

    def forget(self) -> None:
        """Something was changed just now: the next look is a fresh one."""
        with self._lock:
            self._looks.clear()

    def look(self, protocol: str) -> dict[str, Standing]:
        """Every claim by its key, under the laptop or the gpu protocol."""
        with self._lock:
            at, found = self._looks.get(protocol, (0.0, {}))
            if not found or time.monotonic() - at > FRESH:
                found = self._look(protocol)
                self._looks[protocol] = time.monotonic(), found
            return found

    def _look(self, protocol: str) -> dict[str, Standing]:
        self._prepare(protocol)
        ids = self._ids[protocol]
        rows = job_rows(self.reader, [one for some in ids.values() for one in some])
        latest: dict[str, SweepRow] = {}
        for row in reversed(sweeps(self.reader, MOST_SWEEPS)):
            latest[row.definition] = row  # the newest counts
        return {
            key: self._standing(key, protocol, {i: rows[i] for i in ids[key] if i in rows}, latest)
            for key in self.claims
        }

    def _prepare(self, protocol: str) -> None:
        """What the protocols ask for, once: to expand the grids takes longer than a look."""
        if protocol in self._ids:
            return
        asked = {key: claim.protocol(protocol) for key, claim in self.claims.items()}
        self._definitions[protocol] = {
            key: {sweep.to_json() for sweep in one.sweeps} for key, one in asked.items()
        }
        self._ids[protocol] = {key: tuple(job.id for job in one.jobs) for key, one in asked.items()}

    def _standing(
        self,
        key: str,
        protocol: str,
        rows: Mapping[str, JobRow],
        latest: Mapping[str, SweepRow],
    ) -> Standing:
        mine = [latest[one] for one in self._definitions[protocol][key] if one in latest]
        open_ = [row for row in mine if row.status in STAGES]
        stages = [row.status for row in open_]
        return Standing(
            self.claims[key],
            protocol,
            self._judge(key, protocol, rows),
            self.recorded.get(key) if protocol == "laptop" else None,
            min(stages, key=STAGES.index, default=""),
            tuple(sorted(row.id for row in open_)),
            tuple(dict.fromkeys(row.message for row in open_ if row.message)),
            rows,
        )

    def _judge(self, key: str, protocol: str, rows: Mapping[str, JobRow]) -> Verdict:
        claim = self.claims[key]
        jobs = claim.protocol(protocol).jobs
        seen = tuple(f"{i} {row.status}" for i, row in rows.items() if row.status in DONE)
        known = self._judged.get((key, protocol))
        if known is None or known[0] != seen:
            verdict = (
                claim.decide(results(self.reader, jobs, curves=True))
                if seen
                else Verdict(NOT_RUN, nan, nan, nan, claim.unit, "", missing=jobs)
            )
            known = self._judged[key, protocol] = seen, verdict
        return known[1]
