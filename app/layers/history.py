"""The snapshots of runs, unpacked once and kept for a while, for all visitors of a server.

Reading and unpacking a snapshot of a deep network takes milliseconds and two megabytes; a page
that plays through a run asks for the same ones again and again.
"""

import json
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.figures.errors import UNITS
from app.figures.map_layout import MapLayout, arrange
from app.layers.numbers import Errors, Shares, layer_errors, shares
from bkn.snapshot import LayerArrays, LayerLayout, Layout
from bkn.store.cache import RaceCache
from bkn.store.reader import Reader

KEPT_BYTES = 96e6  # of unpacked snapshots
KEPT_HISTORIES = 32


@dataclass(frozen=True)
class Snapshot:
    """What one probe saw of one run."""

    step: int
    layout: Layout
    arrays: Mapping[str, LayerArrays]

    def layer(self, label: str) -> tuple[LayerLayout, LayerArrays]:
        """What there is of one layer; KeyError if there is none of that label."""
        return self.layout.layer(label), self.arrays[label]

    @cached_property
    def errors(self) -> dict[str, Errors]:
        """Of every layer, averaged over its living channels."""
        return {label: layer_errors(arrays) for label, arrays in self.arrays.items()}

    @cached_property
    def shares(self) -> dict[str, dict[str, Shares]]:
        """Moment -> layer with a prior -> in how many channels who is nearest to the truth."""
        return {
            what: {
                label: part
                for label, arrays in self.arrays.items()
                if (part := shares(arrays, what)) is not None
            }
            for what in UNITS
        }


class History:
    """The snapshots of one run; what it says once is read once.

    Args:
        reader: of the store.
        run_id: of the run.
        shelf: where unpacked snapshots are kept.
        key: what tells this run from others on the shelf.
    """

    def __init__(self, reader: Reader, run_id: int, shelf: "Shelf", key: tuple[Any, ...]):
        self.reader, self.run_id, self._shelf, self._key = reader, run_id, shelf, key
        self._layout: Layout | None = None
        self._map: MapLayout | None = None

    @property
    def layout(self) -> Layout | None:
        """What its snapshots hold; None while the run has not said it."""
        if self._layout is None and (text := self.reader.document(self.run_id, "layout")):
            self._layout = Layout.from_json(text)
        return self._layout

    @property
    def map(self) -> MapLayout | None:
        """The network, laid out to be drawn; None for a run that recorded no map."""
        if self._map is None and (text := self.reader.document(self.run_id, "network")):
            self._map = arrange(json.loads(text))
        return self._map

    def steps(self) -> list[int]:
        """After which steps there are snapshots now, in order."""
        return self.reader.snapshot_steps(self.run_id)

    def at(self, step: int) -> Snapshot | None:
        """The snapshot taken after a step; None if there is none (any more)."""
        if (layout := self.layout) is None:
            return None
        key = (*self._key, step)
        found = self._shelf.get(key)
        if found is None and (data := self.reader.snapshot(self.run_id, step)) is not None:
            found = Snapshot(step, layout, layout.unpack(data))
            self._shelf.put(key, found, len(data))
        return found


class Shelf:
    """Unpacked snapshots up to a size; the one not asked for longest goes first."""

    def __init__(self, room: float = KEPT_BYTES):
        self.room, self._used = room, 0
        self._kept: OrderedDict[tuple[Any, ...], tuple[Snapshot, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[Any, ...]) -> Snapshot | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: tuple[Any, ...], snapshot: Snapshot, size: int) -> None:
        with self._lock:
            self._used += size - self._kept.pop(key, (snapshot, 0))[1]
            self._kept[key] = snapshot, size
            while self._used > self.room and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1][1]


class Histories:
    """The histories of the runs that somebody looks at."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._kept: OrderedDict[tuple[Any, ...], History] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, cache: RaceCache, position: int) -> History:
        """The history of one entrant of a race.

        A race that went back to a checkpoint may see other things after the same step, so how
        often it did belongs to the key.
        """
        run_id = cache.runs[position].id
        key = (str(cache.reader.path), cache.race_id, run_id, cache.rewinds)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = History(cache.reader, run_id, self._shelf, key)
                if len(self._kept) > KEPT_HISTORIES:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


def nearest(steps: list[int], wanted: int) -> int:
    """The kept step that is nearest to the wanted one; of two as near, the earlier."""
    right = bisect_right(steps, wanted)
    around = steps[max(right - 1, 0) : right + 1]
    return min(around, key=lambda step: abs(step - wanted))
