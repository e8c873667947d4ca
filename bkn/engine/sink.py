"""The trainer's sink inside a worker: everything goes to the store through the recorder."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bkn.engine.recorder import Recorder
from bkn.store.schema import ACTIVE
from bkn.store.writer import Writer


class StoreSink:
    """Writes what happens in a race to the store; knows which runs go on.

    Args:
        recorder: of this worker.
        race_id: of the race, in the store already.
        run_ids: of its runs, by position.
        elapsed: seconds that the race had taken when it was interrupted.
    """

    def __init__(
        self, recorder: Recorder, race_id: str, run_ids: Sequence[int], elapsed: float = 0.0
    ):
        self.recorder, self.race_id, self.run_ids = recorder, race_id, list(run_ids)
        self.statuses = ["queued"] * len(self.run_ids)  # as the trainer sees them: never paused
        self.paused = False
        self._began = time.monotonic() - elapsed
        self._rows = False  # has written one

    @property
    def elapsed(self) -> float:
        """Seconds since the race's start, pauses included, interruptions not."""
        return time.monotonic() - self._began

    def columns(self, run: int, stream: str, names: Sequence[str]) -> None:
        run_id, names = self.run_ids[run], tuple(names)
        self.recorder.put(lambda writer: writer.set_columns(run_id, stream, names))

    def row(self, run: int, stream: str, step: int, values: Sequence[float]) -> None:
        run_id, elapsed, values = self.run_ids[run], self.elapsed, tuple(values)
        # Somebody is waiting for the first row: it does not wait for a batch.
        urgent, self._rows = not self._rows or self.paused, True
        self.recorder.put(
            lambda writer: writer.add_row(run_id, stream, step, elapsed, values), urgent=urgent
        )

    def status(self, run: int, status: str, step: int, message: str = "") -> None:
        self.statuses[run] = status
        shown = "paused" if self.paused and status == "running" else status
        self._show(run, shown, step, message)

    def event(self, step: int, kind: str, payload: Mapping[str, Any]) -> None:
        elapsed, payload = self.elapsed, dict(payload)
        self.recorder.put(
            lambda writer: writer.add_event(self.race_id, step, elapsed, kind, payload),
            urgent=True,
        )

    def document(self, run: int, name: str, body: str) -> None:
        run_id = self.run_ids[run]
        self.recorder.put(lambda writer: writer.set_document(run_id, name, body))

    def snapshot(self, run: int, step: int, data: bytes) -> None:
        run_id, elapsed = self.run_ids[run], self.elapsed
        self.recorder.put(lambda writer: writer.add_snapshot(run_id, step, elapsed, data))

    def drop_snapshots(self, run: int, steps: Sequence[int]) -> None:
        run_id, steps = self.run_ids[run], tuple(steps)
        self.recorder.put(lambda writer: writer.drop_snapshots(run_id, steps))

    def summary(self, run: int, values: Mapping[str, float]) -> None:
        run_id, values = self.run_ids[run], dict(values)
        self.recorder.put(lambda writer: writer.set_summary(run_id, values))

    # The engine's own

    def pause(self, step: int, paused: bool) -> None:
        """Show the active runs as paused or as running again."""
        self.paused = paused
        for run, status in enumerate(self.statuses):
            if status in ACTIVE and step > 0:
                self.status(run, "running", step)
            elif status in ACTIVE:
                self._show(run, "paused" if paused else "queued", step)

    def end(self, status: str, message: str) -> None:
        """Mark every run that is not over: interrupted or failed."""
        race_id = self.race_id

        def mark(writer: Writer) -> None:
            writer.end_race(race_id, status, message)

        self.recorder.put(mark, urgent=True)

    def _show(self, run: int, status: str, step: int, message: str = "") -> None:
        run_id = self.run_ids[run]
        self.recorder.put(lambda writer: writer.set_status(run_id, status, step, message))
