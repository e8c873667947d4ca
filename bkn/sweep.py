"""Sweep and Job: a grid of experiments with paired seeds, as validated, frozen data.

For one seed all methods see the same initial weights, batches and augmentation, so results are
compared in pairs. A job is known by its content: whatever asks for it again finds it done.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from bkn.cards import pick
from bkn.catalog import ABSENT, DATASETS, NETWORKS
from bkn.entrants import entrant_text, parse_entrant
from bkn.experiment import NUMBERS, Experiment, json_object, number, refuse_unknown
from bkn.frozen import FrozenDict

DIAGNOSES = ("none", "start", "end")  # when a job's network is diagnosed: bkn.diagnose
MOST_JOBS = 20_000
AXES = {  # field of a Sweep: field of an Experiment
    "datasets": "dataset", "networks": "network", "batches": "batch",
    "micro_batches": "micro_batch", "lrs": "lr",
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One experiment of a sweep, and whether its network is diagnosed before or after training."""

    experiment: Experiment
    diagnose: str = "none"  # one of DIAGNOSES

    def __post_init__(self) -> None:
        if not isinstance(self.experiment, Experiment):
            raise TypeError(
                f"a job takes an object of the class Experiment, got {self.experiment!r}"
            )
        if self.diagnose not in DIAGNOSES:
            raise ValueError(
                f"diagnose must be one of {', '.join(DIAGNOSES)}, got {self.diagnose!r}"
            )

    @cached_property
    def id(self) -> str:
        """Equal jobs share it; also the id of the race that records it."""
        key = self.experiment.key
        return key if self.diagnose == "none" else f"{key}-{self.diagnose}"

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Job":
        given = json_object(text, "job")
        refuse_unknown(given, {f.name for f in fields(cls)}, "job")
        experiment = given.get("experiment")
        if not isinstance(experiment, dict):
            raise ValueError(f"a job's experiment must be a JSON object, got {experiment!r}")
        return cls(Experiment.from_dict(experiment), given.get("diagnose", "none"))


@dataclass(frozen=True)
class Misfit:
    """A place of the grid that holds no experiment, and why."""

    entrant: str
    settings: Mapping[str, Any]  # dataset, network, batch, micro_batch, lr
    why: str


@dataclass(frozen=True)
class Sweep:
    """Every combination of the axes, once per seed.

    Combinations that do not fit each other (a micro-batch that does not divide the batch, a method
    that cannot work on the network) are left out and named by `misfits`.

    Raises:
        ValueError: naming the field, the value and what is allowed; also where nothing fits.
    """

    methods: tuple[str, ...] = ("batch", "group", "kalman")  # entrants: "kalman:gain=0.5"
    micro_batches: tuple[int, ...] = (2, 4, 8, 16, 32, 64)
    batches: tuple[int, ...] = (64,)
    lrs: tuple[float, ...] = (0.05,)
    networks: tuple[str, ...] = ("convnet",)
    datasets: tuple[str, ...] = ("digits",)
    seeds: tuple[int, ...] = (0, 1, 2)
    common: Mapping[str, Any] = field(default_factory=dict)  # further fields of all Experiments
    diagnose: str = "none"  # one of DIAGNOSES

    def __post_init__(self) -> None:
        for name in ("methods", "seeds", *AXES):
            object.__setattr__(self, name, self._axis(name, getattr(self, name)))
        if not isinstance(self.common, Mapping):
            raise ValueError(f"common must map fields to values, got {self.common!r}")
        own = {"method", "options", "seed", *AXES.values()}
        refuse_unknown(self.common, {f.name for f in fields(Experiment)} - own, "sweep's common")
        object.__setattr__(self, "common", FrozenDict(self._with_found(_told(self.common))))
        size = prod(len(getattr(self, name)) for name in ("methods", "seeds", *AXES))
        if size > MOST_JOBS:
            raise ValueError(f"a sweep may hold at most {MOST_JOBS:,} experiments, got {size:,}")
        if not self.jobs:
            raise ValueError(f"no combination of this sweep fits: {self.misfits[0].why}")

    def __hash__(self) -> int:
        return hash(self.to_json())

    def _with_found(self, common: dict[str, Any]) -> dict[str, Any]:
        """What only the disk knows about images is written down once, for all jobs."""
        cards = [DATASETS[key] for key in self.datasets]
        if not any(card.finder for card in cards):
            return common
        if len(cards) > 1:
            raise ValueError(
                "datasets must name 'folder' alone: its pictures may change; "
                f"got {', '.join(self.datasets)}"
            )
        return {**common, "dataset_options": cards[0].complete(common.get("dataset_options", {}))}

    def _axis(self, name: str, values: Any) -> tuple[Any, ...]:
        """The values of one axis in their proper type, each once."""
        if hasattr(values, "tolist"):  # an array of numpy
            values = values.tolist()
        texts = isinstance(values, str | bytes | bytearray)
        if texts or not isinstance(values, Sequence) or not len(values):
            raise ValueError(f"{name} must be a list of at least one value, got {values!r}")
        if len(values) > MOST_JOBS:
            raise ValueError(f"{name} must be at most {MOST_JOBS:,} values, got {len(values):,}")
        found: list[Any]
        if name == "methods":
            found = [entrant_text(*parse_entrant(text)) for text in values]
        elif name in ("networks", "datasets"):
            cards, absent = (NETWORKS, ABSENT) if name == "networks" else (DATASETS, None)
            found = [pick(cards, key, name[:-1], absent).key for key in values]
        else:
            found = [number(AXES.get(name, "seed"), value) for value in values]
        return tuple(dict.fromkeys(found))

    def _places(self) -> Iterator[dict[str, Any]]:
        axes = [getattr(self, name) for name in AXES]
        for values in product(*axes):
            yield dict(zip(AXES.values(), values, strict=True))

    @cached_property
    def _expanded(self) -> tuple[tuple[Job, ...], tuple[Misfit, ...]]:
        jobs: list[Job] = []
        misfits: dict[tuple[str, str], Misfit] = {}
        for seed in self.seeds:  # outermost: after one round every place has a value
            for place, text in product(list(self._places()), self.methods):
                method, options = parse_entrant(text)
                settings = {**self.common, **place, "seed": seed}
                try:
                    one = Experiment(method=method, options=options, **settings)
                except ValueError as error:
                    misfits[text, json.dumps(place)] = Misfit(text, place, str(error))
                else:
                    jobs.append(Job(one, self.diagnose))
        return tuple(jobs), tuple(misfits.values())

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All that is to be trained, in order: a seed after the other."""
        return self._expanded[0]

    @property
    def misfits(self) -> tuple[Misfit, ...]:
        """Combinations without an experiment, whatever the seed."""
        return self._expanded[1]

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Sweep":
        """Rebuild a Sweep.

        Raises:
            ValueError: for text that is not a JSON object, unknown fields or bad values.
        """
        given = json_object(text, "sweep")
        refuse_unknown(given, {f.name for f in fields(cls)}, "sweep")
        return cls(**given)


def _told(common: Mapping[str, Any]) -> dict[str, Any]:
    """Common fields in their proper type, without those at their defaults.

    So that sweeps of the same experiments are equal, whoever asked for them and how.
    """
    proper = {
        name: number(name, value) if name in NUMBERS else value for name, value in common.items()
    }
    defaults = {f.name: {} if f.default is MISSING else f.default for f in fields(Experiment)}
    return {name: value for name, value in proper.items() if value != defaults[name]}
