"""A race cache made of numbers instead of a store, for tests of what the page draws."""

from base64 import b64decode
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bkn.experiment import Race
from bkn.store.cache import Curve, Heat
from bkn.store.records import EventRow, RunRow


@dataclass
class FakeCache:
    """Reads like `bkn.store.cache.RaceCache`; tests write the columns.

    `columns[position, name]` is (steps, values); the probe's names read "layer/metric".
    """

    race: Race
    runs: list[RunRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    columns: dict[tuple[int, str], Curve] = field(default_factory=dict)
    version: int = 1
    race_id: str = "fake"
    status: str = "running"

    def __post_init__(self) -> None:
        self.runs = self.runs or [
            RunRow(i + 1, i, one.to_json(), one.label, "running", 0, "", {})
            for i, one in enumerate(self.race.experiments)
        ]

    def put(self, position: int, column: str, steps: Any, values: Any) -> None:
        """Set a whole column and move the run to its last step."""
        steps = np.asarray(steps, dtype=np.int64)
        self.columns[position, column] = Curve(steps, np.asarray(values, dtype=float))
        if len(steps):
            run = self.runs[position]
            self.runs[position] = replace(run, step=max(run.step, int(steps[-1])))

    def mark(self, position: int, **changes: Any) -> None:
        """Change a run's row: status, step, message, summary."""
        self.runs[position] = replace(self.runs[position], **changes)

    def event(self, step: int, kind: str, **payload: Any) -> None:
        self.events.append(EventRow(len(self.events) + 1, step, 0.0, kind, payload))

    def curve(self, position: int, column: str) -> Curve:
        nothing = Curve(np.zeros(0, dtype=np.int64), np.zeros(0))
        return self.columns.get((position, column), nothing)

    def layers(self, position: int) -> list[str]:
        names = (name for at, name in self.columns if at == position and "/" in name)
        return list(dict.fromkeys(name.rpartition("/")[0] for name in names))

    def layer_curve(self, position: int, layer: str, metric: str) -> Curve:
        return self.curve(position, f"{layer}/{metric}")

    def heat(self, position: int, metric: str) -> Heat:
        found = [(la, self.layer_curve(position, la, metric)) for la in self.layers(position)]
        found = [(layer, curve) for layer, curve in found if len(curve.steps)]
        if not found:
            return Heat(np.zeros(0, dtype=np.int64), [], np.zeros((0, 0)))
        every = -(-len(found[0][1].steps) // 120)
        values = np.stack([curve.values[::every] for _, curve in found])
        return Heat(found[0][1].steps[::every], [layer for layer, _ in found], values)

    def latest(self, position: int, column: str) -> float | None:
        values = self.curve(position, column).values
        return float(values[-1]) if len(values) and np.isfinite(values[-1]) else None


ERRORS = ("observation", "prior", "posterior", "running", "theory")


def lively(
    entrants: tuple[str, ...] = ("batch", "group", "kalman", "kalman:gain=learned"),
    done: float = 0.6,
    layers: int = 6,
    epochs: int = 40,
    points: int = 500,
    **common: Any,
) -> FakeCache:
    """A race in full swing, with plausible curves, the same at every call."""
    race = Race.of(entrants, epochs=epochs, **common)
    cache, rng = FakeCache(race), np.random.default_rng(7)
    last = max(int(done * race.common.steps), 1)
    steps = np.unique(np.linspace(1, last, points).astype(int))
    tests = np.unique(np.linspace(0, last, 16).astype(int))
    probes = np.unique(np.linspace(0, last, 120).astype(int))
    labels = [f"layer{i + 1}" for i in range(layers)]
    for position, experiment in enumerate(race.experiments):
        card, end = experiment.method_card, 0.03 * (1 + 3 * (position == 0))
        level = end + 2.3 * np.exp(-steps / 60 / (1 + 0.3 * position))
        noise = np.exp(0.35 * rng.standard_normal(len(steps)))
        cache.put(position, "loss", steps, level * noise)
        cache.put(position, "loss_min", steps, level * noise * 0.8)
        cache.put(position, "loss_max", steps, level * noise * 1.3)
        cache.put(position, "step_ms", steps, np.full(len(steps), 3.8 + 2 * position))
        rise = 0.97 - 0.004 * position - 0.87 * np.exp(-tests / 45)
        cache.put(position, "test_accuracy", tests, rise + 0.004 * rng.standard_normal(len(tests)))
        cache.put(position, "test_loss", tests, 0.07 + 2.2 * np.exp(-tests / 50))
        if race.probe != "off" and card.estimates:
            _put_probes(cache, position, probes, labels, rng)
    return cache


def _put_probes(
    cache: FakeCache, position: int, steps: np.ndarray, labels: list[str], rng: np.random.Generator
) -> None:
    card = cache.race.experiments[position].method_card
    for depth, layer in enumerate(labels):
        jitter = np.exp(0.08 * rng.standard_normal((5, len(steps))))
        late = 1 - np.exp(-steps / 80)
        worse = 3.0 if position == 2 else 0.6 if position == 3 else 1.0
        sizes = {
            "observation": 0.12 + 0.1 * depth * late,
            "prior": 0.1 + (0.35 * depth * late) * worse,
            "posterior": 0.1 + (0.12 * depth * late) * worse,
            "running": 0.5 * np.exp(-steps / 30) + 0.08,
            "theory": 0.1 + 0.02 * depth + 0 * late,
        }
        for k, name in enumerate(ERRORS):
            hidden = name == "prior" and (depth == 0 or not card.uses_prior)
            for what, scale in (("var", 1.0), ("mean", 0.1)):
                values = np.full(len(steps), np.nan) if hidden else scale * sizes[name] * jitter[k]
                cache.put(position, f"{layer}/{what}_error_{name}", steps, values**2)
        known = card.uses_prior and depth > 0
        oracle = np.clip(0.75 - 0.08 * depth - 0.2 * late, 0, 1) * jitter[0]
        in_use = 0.1 + 0.05 * depth * late * (position == 3)
        nan = np.full(len(steps), np.nan)
        cache.put(position, f"{layer}/gain", steps, in_use if known else nan + (not known) * 1)
        cache.put(position, f"{layer}/gain_oracle", steps, oracle if known else nan)
        for what in ("mean", "var"):
            size = (0.05 + 0.06 * depth * late) * jitter[1]
            cache.put(position, f"{layer}/innovation_{what}", steps, size if known else nan)


def unpacked(array: dict[str, str]) -> np.ndarray:
    """Numbers out of what a figure sends."""
    values = np.frombuffer(b64decode(array["bdata"]), dtype=array["dtype"])
    shape = array.get("shape")
    return values.reshape([int(n) for n in shape.split(",")]) if shape else values
