"""Training without a page or a store: `train(experiment)` and the Run it gives back."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bkn.experiment import Experiment, Race
from bkn.snapshot import Layout, Real
from bkn.training.device import training_threads
from bkn.training.race import RaceTrainer
from bkn.training.sink import FULL_PROBE, PROBE, TEST, TRAIN


@dataclass
class Run:
    """What one run recorded: `status`, `summary` and the rows as data frames."""

    experiment: Experiment
    status: str = "queued"
    message: str = ""
    summary: dict[str, float] = field(default_factory=dict)
    _columns: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _rows: dict[str, list[tuple[float, ...]]] = field(default_factory=dict, repr=False)
    documents: dict[str, str] = field(default_factory=dict, repr=False)  # JSON by name
    _snapshots: dict[int, bytes] = field(default_factory=dict, repr=False)  # by step

    def snapshots(self) -> dict[int, dict[str, dict[str, Real]]]:
        """What the full probe saw: step -> layer -> field -> array; fields: see bkn.snapshot."""
        if "layout" not in self.documents:
            return {}
        layout = Layout.from_json(self.documents["layout"])
        return {step: layout.unpack(data) for step, data in self._snapshots.items()}

    def scalars(self) -> pd.DataFrame:
        """Losses in nats, accuracy as a fraction, learning rate and ms per step, by step.

        Test columns are missing (not a number) at steps without a test. Where the data hold out a
        domain, held_out_accuracy is the accuracy on its images. The full probe adds loss_batch,
        loss_stored, accuracy_batch, accuracy_stored on the images it looks at.
        """
        train, test = self._frame(TRAIN), self._frame(TEST)
        full = self._frame(FULL_PROBE)
        gap = full[[n for n in map(str, full.columns) if n != "time" and "/" not in n]]
        merged = train.merge(test.drop(columns="time"), on="step", how="outer", sort=True)
        if len(gap):
            merged = merged.merge(gap, on="step", how="outer", sort=True)
        return merged.reset_index(drop=True)

    def layers(self) -> pd.DataFrame:
        """The probes' metrics, one row per probed step and layer; empty if nothing was probed.

        Those that only the full probe measures (see bkn.probe.depth) are not a number at steps
        where the light one looked.
        """
        light, full = self._by_layer(PROBE), self._by_layer(FULL_PROBE)
        if light.empty or full.empty:
            return full if light.empty else light
        full = full.drop(columns="time")  # one step's rows of both come from one look
        table = light.merge(full, on=["step", "layer"], how="left", sort=False)
        return table

    def _by_layer(self, stream: str) -> pd.DataFrame:
        """A stream of "layer/metric" columns as a table, one row per step and layer."""
        wide = self._frame(stream)
        wide = wide[[n for n in map(str, wide.columns) if n in ("step", "time") or "/" in n]]
        long = wide.melt(["step", "time"], var_name="column", value_name="value")
        names = long["column"].astype(str).str.rsplit("/", n=1, expand=True)
        if long.empty:
            return pd.DataFrame(columns=["step", "time", "layer"])
        order = dict.fromkeys(names[0])
        long = long.assign(layer=pd.Categorical(names[0], list(order)), metric=names[1])
        table = long.pivot(index=["step", "time", "layer"], columns="metric", values="value")
        return table.reset_index().rename_axis(columns=None)

    def _frame(self, stream: str) -> pd.DataFrame:
        names = ["step", "time", *self._columns.get(stream, [])]
        return pd.DataFrame(self._rows.get(stream, []), columns=names).astype({"step": int})


class MemorySink:
    """Keeps everything in memory, one Run per entrant, and the events of the race."""

    def __init__(self, race: Race):
        self.runs = [Run(experiment) for experiment in race.experiments]
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self._began = time.perf_counter()

    def columns(self, run: int, stream: str, names: Sequence[str]) -> None:
        self.runs[run]._columns[stream] = list(names)
        self.runs[run]._rows.setdefault(stream, [])

    def row(self, run: int, stream: str, step: int, values: Sequence[float]) -> None:
        elapsed = time.perf_counter() - self._began
        self.runs[run]._rows[stream].append((step, elapsed, *values))

    def status(self, run: int, status: str, step: int, message: str = "") -> None:
        self.runs[run].status, self.runs[run].message = status, message

    def event(self, step: int, kind: str, payload: Mapping[str, Any]) -> None:
        self.events.append((step, kind, dict(payload)))

    def document(self, run: int, name: str, body: str) -> None:
        self.runs[run].documents[name] = body

    def snapshot(self, run: int, step: int, data: bytes) -> None:
        self.runs[run]._snapshots[step] = data

    def drop_snapshots(self, run: int, steps: Sequence[int]) -> None:
        for step in steps:
            self.runs[run]._snapshots.pop(step, None)

    def summary(self, run: int, values: Mapping[str, float]) -> None:
        self.runs[run].summary = dict(values)


def train_race(race: Race) -> list[Run]:
    """Train a race to its end, recording every step; one Run per entrant, in order."""
    sink = MemorySink(race)
    with training_threads():
        trainer = RaceTrainer(race, sink, record_every=0.0)
        while not trainer.finished:
            trainer.advance()
        trainer.finish()
    return sink.runs


def train(experiment: Experiment, probe: str = "light") -> Run:
    """Train one experiment to its end and return its Run; blocking, without a store.

    Args:
        experiment: what to train.
        probe: "light" measures estimates against the truth on the way, "full" keeps them channel
            by channel too (`Run.snapshots`), "off" measures nothing.

    Raises:
        ValueError: if the device is not on this machine, the probe's tier is unknown, or the
            images are not here (MissingData), saying what to do.
        TypeError: for what is no Experiment.
    """
    return train_race(Race((experiment,), probe))[0]
