"""When the entrants of a race are probed, and how thoroughly.

    before a step: is a round due, within the budget? full or light? whose turn is it?
    after it:      probe that entrant, so that commands never wait for all of them

In the tier "full" the first and the last round are full ones. In between they all are, where that
costs little more than a light one; else they take FULL_SHARE of the probe's time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bkn.probe.budget import FULL, LIGHT, Budget
from bkn.probe.full import FullProbe
from bkn.probe.light import LightProbe
from bkn.probe.thinning import Thinning, most_snapshots
from bkn.training.entrant import Entrant
from bkn.training.sink import FULL_PROBE, PROBE, Sink

FULL_SHARE = 0.5  # of the probe's time
CHEAP = 1.5  # times a light round: so little that every round is a full one


class Probing:
    """Probes the entrants of a race and reports to the sink.

    Args:
        entrants: of the race.
        light: probes of those whose statistics can be wrong, by position.
        full: the thorough ones, by position; none in the tier "light".
        sink: hears of rows and snapshots.
        budget: of time.
    """

    def __init__(
        self,
        entrants: Sequence[Entrant],
        light: Mapping[int, LightProbe],
        full: Mapping[int, FullProbe],
        sink: Sink,
        budget: Budget,
    ):
        self.entrants, self.light, self.full = entrants, light, full
        self.sink, self.budget = sink, budget
        self._queue: list[int] = []  # runs still to be probed in this round
        self._kind = LIGHT  # of this round
        self._next: int | None = None  # who is probed after the present step
        self._last: dict[int, int] = {}  # run -> step of its latest probe of the best kind
        self._thinning: dict[int, Thinning] = {}
        for run, probe in light.items():
            sink.columns(run, PROBE, probe.columns)
        for run, thorough in full.items():
            sink.columns(run, FULL_PROBE, thorough.columns)
            sink.document(run, "layout", thorough.layout.to_json())
            self._thinning[run] = Thinning(most_snapshots(thorough.snapshot_bytes))

    def before_step(self, last: bool) -> None:
        """Decide who is probed after this step; `last`: everybody will be.

        How far a step moves the weights is known only to who looked at them before.
        """
        if not self._queue:
            self._open_round()
        self._next = self._queue.pop(0) if self._queue else None
        if last:
            looked_at = list(self.full)
        else:
            looked_at = [self._next] if self._next is not None and self._kind == FULL else []
        with self.budget.spending(FULL):
            for run in looked_at:
                if self.entrants[run].active:
                    self.full[run].watch.remember()

    def after_step(self, step: int) -> None:
        """Probe whose turn it is."""
        if self._next is not None:
            self._probe(self._next, step, self._kind)

    def finish(self, step: int) -> None:
        """Look at everybody once more, as thoroughly as the tier says."""
        for run in range(len(self.entrants)):
            if self._last.get(run) != step:
                self._probe(run, step, FULL if run in self.full else LIGHT)

    def state(self) -> dict[int, Any]:
        """For a checkpoint."""
        return {run: thinning.state() for run, thinning in self._thinning.items()}

    def restore(self, state: Mapping[int, Any]) -> None:
        """Continue with the snapshots that a checkpoint knew of."""
        for run, saved in state.items():
            self._thinning[run].restore(saved)

    def _open_round(self) -> None:
        kind = self._due()
        if kind is None:
            return
        probes: Mapping[int, object] = self.full if kind == FULL else self.light
        self._queue = [run for run in probes if self.entrants[run].active]
        self._kind = kind
        self.budget.open_round(kind)

    def _due(self) -> str | None:
        """The kind of the next round, None while it has to wait."""
        if not self.full:
            return LIGHT if self.light and self.budget.allows(LIGHT) else None
        light, full = self.budget.cost(LIGHT), self.budget.cost(FULL)
        if full is None or not self.light:
            kind = FULL
        elif light is None:
            kind = LIGHT
        elif full <= CHEAP * light or self.budget.within(FULL, FULL_SHARE):
            kind = FULL
        else:
            kind = LIGHT
        return kind if self.budget.allows(kind) else None

    def _probe(self, run: int, step: int, kind: str) -> None:
        if not self.entrants[run].active:
            return
        if kind == FULL:
            self._look_thoroughly(run, step)
            self._last[run] = step
        elif run in self.light:
            with self.budget.spending(LIGHT):
                values = self.light[run].measure(self.entrants[run].model)
            self.sink.row(run, PROBE, step, values)
            if run not in self.full:
                self._last[run] = step

    def _look_thoroughly(self, run: int, step: int) -> None:
        with self.budget.spending(FULL):
            seen = self.full[run].measure()
        if seen.light:
            self.sink.row(run, PROBE, step, seen.light)
        self.sink.row(run, FULL_PROBE, step, seen.scalars)
        self.sink.snapshot(run, step, seen.snapshot)
        dropped = self._thinning[run].add(step)
        if dropped:
            self.sink.drop_snapshots(run, dropped)
