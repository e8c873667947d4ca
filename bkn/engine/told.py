"""What a trainer says, as plain lists that travel as JSON, and writing it to the store afterwards.

Whoever trains a job may be another process or another machine. It tells a `TellingSink`; the one
conductor replays what it was told. Every list begins with what was called: "row", "status" ...
"""

import base64
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bkn.store.writer import Writer

Told = list[Any]


class TellingSink:
    """A trainer's sink that passes everything on as plain lists.

    Args:
        tell: is given one list after the other, in order.
    """

    def __init__(self, tell: Callable[[Told], None]):
        self._tell = tell
        self._began = time.monotonic()

    @property
    def _elapsed(self) -> float:
        return round(time.monotonic() - self._began, 3)

    def columns(self, run: int, stream: str, names: Sequence[str]) -> None:
        self._tell(["columns", run, stream, list(names)])

    def row(self, run: int, stream: str, step: int, values: Sequence[float]) -> None:
        self._tell(["row", run, stream, step, self._elapsed, [float(value) for value in values]])

    def status(self, run: int, status: str, step: int, message: str = "") -> None:
        self._tell(["status", run, status, step, message])

    def event(self, step: int, kind: str, payload: Mapping[str, Any]) -> None:
        self._tell(["event", step, self._elapsed, kind, dict(payload)])

    def document(self, run: int, name: str, body: str) -> None:
        self._tell(["document", run, name, body])

    def snapshot(self, run: int, step: int, data: bytes) -> None:
        self._tell(["snapshot", run, step, self._elapsed, base64.b64encode(data).decode()])

    def drop_snapshots(self, run: int, steps: Sequence[int]) -> None:
        self._tell(["drop_snapshots", run, list(steps)])

    def summary(self, run: int, values: Mapping[str, float]) -> None:
        self._tell(["summary", run, {name: float(value) for name, value in values.items()}])


def replay(writer: Writer, race_id: str, run_ids: Sequence[int], told: Iterable[Told]) -> None:
    """Write what was told, inside a transaction of the caller's.

    Args:
        writer: of the store.
        race_id: of the race that was trained.
        run_ids: of its runs, by position.
        told: in order.

    Raises:
        ValueError: for what no sink tells, or a row of a stream without columns.
    """
    for name, *rest in told:
        if name == "event":
            writer.add_event(race_id, *rest)
            continue
        if name not in _WRITES:
            raise ValueError(f"a sink never tells {name!r}; it tells {', '.join(_WRITES)}, event")
        run, *values = rest
        _WRITES[name](writer, run_ids[run], *values)


def last_status(told: Iterable[Told]) -> str | None:
    """The status that the first run ended these events with; None if none was told."""
    found = None
    for name, *rest in told:
        if name == "status" and rest[0] == 0:
            found = rest[1]
    return found


def _add_snapshot(writer: Writer, run_id: int, step: int, elapsed: float, data: str) -> None:
    writer.add_snapshot(run_id, step, elapsed, base64.b64decode(data))


_WRITES: dict[str, Callable[..., None]] = {
    "columns": Writer.set_columns,
    "row": Writer.add_row,
    "status": Writer.set_status,
    "document": Writer.set_document,
    "snapshot": _add_snapshot,
    "drop_snapshots": Writer.drop_snapshots,
    "summary": Writer.set_summary,
}
