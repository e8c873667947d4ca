"""The tail cache of one race for the UI: reads only what is new, holds it thinned.

A refresh reads the rows since the last one and folds them into traces of bounded size; so it
costs the same at a thousand recorded rows and at a million, and so does its memory.
"""

import threading
from typing import NamedTuple

import numpy as np

from bkn.experiment import Race
from bkn.store.reader import PAGE, Reader
from bkn.store.records import EventRow, RunRow
from bkn.store.trace import Averages, Curve, Real, Trace, Whole

# As bkn.training.sink calls them; the store does not import the trainer.
STREAMS = TRAIN, TEST, PROBE, FULL_PROBE = "train", "test", "probe", "full"
PROBES = PROBE, FULL_PROBE  # their columns are "layer/metric"


class Heat(NamedTuple):
    """A metric by layer and time: steps (t,), layers, values (layers, t), t at most 120."""

    steps: Whole
    layers: list[str]
    values: Real


class _Stream:
    """One stream of one run: columns, last row read, traces."""

    def __init__(self, columns: list[str], with_averages: bool):
        self.columns = {name: at for at, name in enumerate(columns)}
        self.after = 0
        self.trace = Trace(len(columns))
        self.averages = Averages(len(columns)) if with_averages else None
        self.metrics: dict[str, dict[str, int]] = {}  # metric -> layer -> column
        for name, at in self.columns.items():
            layer, slash, metric = name.rpartition("/")
            if slash:
                self.metrics.setdefault(metric, {})[layer] = at

    def by_layer(self, metric: str) -> dict[str, int]:
        """Layer -> column of one metric."""
        return self.metrics.get(metric, {})


class RaceCache:
    """A race as the page shows it.

    Args:
        reader: of the store.
        race_id: of the race.

    Raises:
        KeyError: if the store has no such race.
        ValueError: for a race that this version cannot read.
    """

    def __init__(self, reader: Reader, race_id: str):
        found = reader.race(race_id)
        if found is None:
            raise KeyError(race_id)
        self.reader, self.race_id = reader, race_id
        self.race: Race = found.race
        self.status = found.status
        self.checkpoint = found.checkpoint
        self.runs: list[RunRow] = []
        self.events: list[EventRow] = []
        self.version = 0  # grows when there is news
        self.rewinds = found.rewinds  # how often rows were taken back
        self._streams: dict[tuple[int, str], _Stream] = {}
        self._lock = threading.RLock()
        self.refresh()

    def refresh(self) -> bool:
        """Read what is new; True if anything changed."""
        with self._lock:
            found = self.reader.race(self.race_id)
            if found is None:
                return False
            if found.rewinds != self.rewinds:  # rows were taken back: what is held may be gone
                self.rewinds = found.rewinds
                self._streams.clear()
                self.events = []
            runs = self.reader.runs(self.race_id)
            news = runs != self.runs or (found.status, found.checkpoint) != (
                self.status,
                self.checkpoint,
            )
            self.status, self.checkpoint, self.runs = found.status, found.checkpoint, runs
            events = self.reader.events(self.race_id, self.events[-1].id if self.events else 0)
            self.events = self.events + events
            read = [self._read(run, stream) for run in runs for stream in STREAMS]
            changed = news or bool(events) or any(read)
            self.version += changed
            return changed

    def curve(self, position: int, column: str) -> Curve:
        """A column of one run, thinned; empty before its first row."""
        with self._lock:
            held = self._holding(position, column)
            return held.trace.curve(held.columns[column]) if held else _nothing()

    def layers(self, position: int) -> list[str]:
        """Labels of the layers whose estimates the probe watches, in order."""
        with self._lock:
            held = self._streams.get((position, PROBE))
            names = (name.rpartition("/")[0] for name in held.columns) if held else ()
            return list(dict.fromkeys(names))

    def layer_curve(self, position: int, layer: str, metric: str) -> Curve:
        """One metric of one layer, thinned; empty before the first probe."""
        return self.curve(position, f"{layer}/{metric}")

    def heat(self, position: int, metric: str) -> Heat:
        """One metric over all layers and time, as means over at most 120 spans of time."""
        with self._lock:
            for stream in PROBES:
                held = self._streams.get((position, stream))
                found = held.by_layer(metric) if held else {}
                if held and held.averages and found:
                    steps, means = held.averages.means(list(found.values()))
                    return Heat(steps, list(found), means)
            return Heat(np.zeros(0, dtype=np.int64), [], np.zeros((0, 0)))

    def latest(self, position: int, column: str) -> float | None:
        """The last recorded value of a column ("loss", "test_accuracy", "layer1/gain")."""
        with self._lock:
            held = self._holding(position, column)
            return held.trace.latest(held.columns[column]) if held else None

    def _holding(self, position: int, column: str) -> _Stream | None:
        """The stream of a run that has this column."""
        held = (self._streams.get((position, stream)) for stream in STREAMS)
        return next((stream for stream in held if stream and column in stream.columns), None)

    def _read(self, run: RunRow, stream: str) -> bool:
        """Take in new rows of a stream, page by page; True if there were any."""
        key = run.position, stream
        if key not in self._streams:
            columns = self.reader.columns(run.id, stream)
            if not columns:
                return False
            self._streams[key] = _Stream(columns, with_averages=stream in PROBES)
        held, before = self._streams[key], self._streams[key].after
        while len(rows := self.reader.rows(run.id, stream, held.after, PAGE)):
            held.trace.add(rows.step, rows.values)
            if held.averages:
                held.averages.add(rows.step, rows.values)
            held.after = int(rows.seq[-1])
            if len(rows) < PAGE:
                break
        return held.after > before


def _nothing() -> Curve:
    return Curve(np.zeros(0, dtype=np.int64), np.zeros(0))
