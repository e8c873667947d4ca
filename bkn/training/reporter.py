"""What a race tells its sink: losses, tests, statuses and summaries.

Recording is throttled by time, not by step, and what lies between two rows is kept as mean,
minimum and maximum, so that no spike disappears.
"""

import math
import time
from collections.abc import Sequence

from bkn.probe.budget import Budget
from bkn.training.entrant import Entrant, first_divergence
from bkn.training.sink import HELD_OUT, TEST, TEST_COLUMNS, TRAIN, TRAIN_COLUMNS, Sink

RECORD_COST = 0.02  # of the time, at the most


class Reporter:
    """Measures the entrants of a race and reports to the sink; changes nothing about them."""

    def __init__(
        self,
        entrants: Sequence[Entrant],
        sink: Sink,
        record_every: float,
        test_every: int,
        budget: Budget,
    ):
        self.entrants, self.sink = entrants, sink
        self.record_every, self.test_every = record_every, test_every
        self.budget = budget
        self._recorded_at, self._record_cost = -math.inf, 0.0  # seconds
        self._tests: dict[int, tuple[int, tuple[float, ...]]] = {}  # run -> step, test columns
        held_out = any(entrant.images.held_out for entrant in entrants)
        self.test_columns = (*TEST_COLUMNS, HELD_OUT) if held_out else TEST_COLUMNS
        for run in range(len(entrants)):
            sink.columns(run, TRAIN, TRAIN_COLUMNS)
            sink.columns(run, TEST, self.test_columns)

    @property
    def active(self) -> list[int]:
        return [run for run, entrant in enumerate(self.entrants) if entrant.active]

    def after_step(self, step: int, lr: float, record: bool) -> None:
        """Record and test as due after a step."""
        if record or self._record_due():
            self.record(step, lr)
        if step % self.test_every == 0:
            self.test(step)

    def record(self, step: int, lr: float) -> None:
        """One train row per active run; a run whose loss exploded ends here."""
        began = time.monotonic()
        for run in self.active:
            losses = self.entrants[run].take_losses()
            bad = first_divergence(losses)
            good = losses[:bad]
            if good:
                extremes = (sum(good) / len(good), min(good), max(good))
                step_ms = self.entrants[run].take_step_ms(len(losses))
                row = (*extremes, lr, step_ms, self.budget.used)
                self.sink.row(run, TRAIN, step - len(losses) + len(good), row)
            if bad is not None:
                self._diverge(run, step - len(losses) + bad + 1, losses[bad])
        self._recorded_at = time.monotonic()
        self._record_cost = self._recorded_at - began

    def test(self, step: int) -> None:
        for run in self.active:
            self._test_run(run, step)

    def sum_up(self, step: int) -> None:
        """Summaries of the runs still active, after a last test."""
        for run in self.active:
            entrant = self.entrants[run]
            values = {"steps": float(entrant.step), "seconds": entrant.seconds}
            if entrant.step:
                values |= dict(zip(self.test_columns, self._test_run(run, step), strict=True))
                values["step_ms"] = 1e3 * entrant.seconds / entrant.step
            self.sink.summary(run, values)

    def set_status(self, status: str, step: int, message: str = "") -> None:
        for run in self.active:
            self.entrants[run].status = status
            self.sink.status(run, status, step, message)

    def _record_due(self) -> bool:
        if self.record_every == 0:
            return True
        pause = max(self.record_every, self._record_cost / RECORD_COST)
        return time.monotonic() - self._recorded_at >= pause

    def _diverge(self, run: int, step: int, loss: float) -> None:
        entrant = self.entrants[run]
        entrant.status = "diverged"
        self.sink.summary(run, {"steps": float(step), "seconds": entrant.seconds})
        words = f"the training loss was {loss:.3g} nats at step {step}"
        self.sink.status(run, "diverged", step, words)

    def _test_run(self, run: int, step: int) -> tuple[float, ...]:
        """The test columns now; measured and recorded once per step."""
        if self._tests.get(run, (-1, ()))[0] != step:
            self._tests[run] = step, self.entrants[run].test()
            self.sink.row(run, TEST, step, self._tests[run][1])
        return self._tests[run][1]
