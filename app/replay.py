"""A race as it looked after a given step: for the recorded race's replay and a frozen picture."""

from dataclasses import replace

import numpy as np

from bkn.store.cache import Curve, Heat, RaceCache


class UpTo(RaceCache):
    """A race cache that knows nothing of what came after a step, and never any news."""

    def __init__(self, cache: RaceCache, step: int):  # reads no store: the cache has done it
        self.cache, self.step = cache, step
        self.race, self.race_id, self.status = cache.race, cache.race_id, cache.status
        self.events = [event for event in cache.events if event.step <= step]
        self.version = hash((cache.version, step))
        self.runs = [
            run
            if run.step <= step
            else replace(run, step=step, status="running", message="", summary={})
            for run in cache.runs
        ]

    def refresh(self) -> bool:
        return False

    def curve(self, position: int, column: str) -> Curve:
        return self._cut(self.cache.curve(position, column))

    def layers(self, position: int) -> list[str]:
        return self.cache.layers(position)

    def layer_curve(self, position: int, layer: str, metric: str) -> Curve:
        return self._cut(self.cache.layer_curve(position, layer, metric))

    def heat(self, position: int, metric: str) -> Heat:
        heat = self.cache.heat(position, metric)
        known = int(np.searchsorted(heat.steps, self.step, side="right"))
        return heat._replace(steps=heat.steps[:known], values=heat.values[:, :known])

    def latest(self, position: int, column: str) -> float | None:
        """The last value recorded up to the step; a probe column reads "layer/metric"."""
        layer, slash, metric = column.rpartition("/")
        curve = self.layer_curve(position, layer, metric) if slash else self.curve(position, column)
        return float(curve.values[-1]) if len(curve.values) else None

    def _cut(self, curve: Curve) -> Curve:
        known = int(np.searchsorted(curve.steps, self.step, side="right"))
        return curve._replace(steps=curve.steps[:known], values=curve.values[:known])
