"""Experiment and Race: what is trained, as validated, frozen, hashable data.

Everything a person can set enters here and is checked here, whichever way it came (form, URL,
JSON, command line, Python), so that a wrong value is refused in words before anything starts.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from bkn.cards import DatasetCard, MethodCard, NetworkCard, Options, as_number, pick, span
from bkn.catalog import ABSENT, DATASETS, METHODS, NETWORKS
from bkn.entrants import entrant_text, parse_entrant
from bkn.fitting import check_domains, check_fit, check_picture
from bkn.frozen import FrozenDict

PROBES = ("off", "light", "full")  # how much the probe measures
LAYOUTS = ("sample_major", "copy_major")  # copies of one image adjacent; batch after batch
AUGMENTS = ("none", "crop", "crop_flip")  # what is done to every training image
MAX_ENTRANTS = 8
DEVICE = re.compile(r"auto|cpu|mps|cuda(:(0|[1-9][0-9]{0,2}))?")  # \d: digits of all scripts
NUMBERS = {  # field: (lowest, highest, whole)
    "batch": (1, 4096, True),
    "micro_batch": (1, 4096, True),
    "copies": (1, 32, True),
    "lr": (1e-6, 1e6, False),  # absurd rates are allowed: watching one diverge is a lesson
    "epochs": (1, 1000, True),
    "seed": (0, 2**31 - 1, True),
    "momentum": (0.0, 0.999, False),
    "weight_decay": (0.0, 1.0, False),
}


def number(name: str, value: Any) -> float | int:
    """Validate one numeric field of an Experiment.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """
    low, high, whole = NUMBERS[name]
    given = as_number(value)
    if given is None or not low <= given <= high or (whole and given != int(given)):
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name} must be {kind} in {span(low, high, whole)}, got {value!r}")
    return int(given) if whole else given


def fitting(images: int) -> list[int]:
    """All micro-batches that fill a step's images exactly, smallest first."""
    highest = int(NUMBERS["micro_batch"][1])
    return [m for m in range(1, min(images, highest) + 1) if images % m == 0]


def check_micro_batch(micro_batch: int, batch: int, copies: int = 1) -> None:
    """Raise ValueError unless micro-batches of this size fill a step's images exactly."""
    images = batch * copies
    if images % micro_batch:
        whole = f"batch={batch}" if copies == 1 else f"batch x copies = {batch} x {copies}"
        raise ValueError(
            f"micro_batch must divide {whole}, got {micro_batch}; "
            f"allowed: {', '.join(map(str, fitting(images)))}"
        )


@dataclass(frozen=True)
class Experiment:
    """One training run: a method on a network and a dataset.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """

    dataset: str = "digits"
    network: str = "convnet"
    method: str = "kalman"
    options: Options = field(default_factory=dict)  # of the method; missing ones take defaults
    batch: int = 64  # images per optimizer step, B
    micro_batch: int = 2  # images per set of statistics; divides batch x copies
    lr: float = 0.05  # peak of the one-cycle schedule
    epochs: int = 4
    seed: int = 0  # initial weights, order of the images, random streams
    device: str = "auto"  # auto, cpu, cuda, cuda:0, mps
    network_options: Options = field(default_factory=dict)
    dataset_options: Options = field(default_factory=dict)
    momentum: float = 0.9
    weight_decay: float = 2e-4  # on weights, not on affine parameters
    copies: int = 1  # of every image in a step, each shifted otherwise; 1: the image as it is
    layout: str = "sample_major"  # of the copies: one of LAYOUTS
    augment: str = "none"  # of the training images: one of AUGMENTS

    def __post_init__(self) -> None:
        set_field = object.__setattr__  # the dataclass is frozen; values are normalized once, here
        set_field(self, "options", FrozenDict(self.method_card.complete(self.options)))
        of_network = self.network_card.complete(self.network_options)
        set_field(self, "network_options", FrozenDict(of_network))
        images = pick(DATASETS, self.dataset, "dataset")
        set_field(self, "dataset_options", FrozenDict(images.complete(self.dataset_options)))
        for name in NUMBERS:
            set_field(self, name, number(name, getattr(self, name)))
        set_field(self, "device", str(self.device))  # a torch.device is welcome
        if not DEVICE.fullmatch(self.device):
            raise ValueError(f"device must be auto, cpu, mps or cuda[:N], got {self.device!r}")
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout must be {' or '.join(LAYOUTS)}, got {self.layout!r}")
        if self.augment not in AUGMENTS:
            raise ValueError(f"augment must be one of {', '.join(AUGMENTS)}, got {self.augment!r}")
        check_micro_batch(self.micro_batch, self.batch, self.copies)
        if self.batch > self.dataset_card.train:
            raise ValueError(
                f"batch must be at most the {self.dataset_card.train} training images of "
                f"{self.dataset}, got {self.batch}"
            )
        self._check_fit()

    def _check_fit(self) -> None:
        network, shape = self.network_card, self.dataset_card.shape
        check_picture(network, self.network_options, shape)
        layers = network.layers(self.network_options, shape)
        check_fit(self.method_card, self.options, self.micro_batch, network, layers)
        check_domains(self.method_card, self.options, self.dataset_card, self.dataset_options)

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def method_card(self) -> MethodCard:
        return pick(METHODS, self.method, "method")

    @property
    def network_card(self) -> NetworkCard:
        return pick(NETWORKS, self.network, "network", ABSENT)

    @property
    def dataset_card(self) -> DatasetCard:
        card: DatasetCard = pick(DATASETS, self.dataset, "dataset")
        return card.of(self.dataset_options)

    @property
    def entrant(self) -> str:
        """The method as text, with the options that differ from the defaults."""
        return entrant_text(self.method, self.options)

    @property
    def label(self) -> str:
        """The method as people read it: "Kalman norm, gain learned"."""
        _, _, changed = self.entrant.partition(":")
        words = changed.replace("=", " ").replace(",", ", ")
        return f"{self.method_card.title}, {words}" if words else self.method_card.title

    @property
    def step_images(self) -> int:
        """Images that a step sees, copies counted: B x copies."""
        return self.batch * self.copies

    @property
    def steps_per_epoch(self) -> int:
        return self.dataset_card.train // self.batch  # the last incomplete batch is dropped

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @property
    def key(self) -> str:
        """Equal experiments share a key, so what is already done can be found again."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def to_json(self) -> str:
        flat = {one.name: getattr(self, one.name) for one in fields(self)}  # asdict copies deeply
        return json.dumps(flat, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Experiment":
        """Rebuild an Experiment.

        Raises:
            ValueError: for text that is not a JSON object, unknown fields or bad values.
        """
        return cls.from_dict(json_object(text, "experiment"))

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Experiment":
        if not isinstance(given, Mapping):
            raise ValueError(f"experiment must map fields to values, got {given!r}")
        refuse_unknown(given, {f.name for f in fields(cls)}, "experiment")
        return cls(**given)


@dataclass(frozen=True)
class Race:
    """1 to 8 experiments trained in lock-step; they differ in method and options only.

    All entrants see the same initial weights and the same batches in the same order. The probe's
    tier says what is watched, never what is computed.
    """

    experiments: tuple[Experiment, ...]
    probe: str = "light"

    def __post_init__(self) -> None:
        if not isinstance(self.experiments, Iterable):
            raise TypeError(
                f"a race takes a list of objects of the class Experiment, got {self.experiments!r}"
            )
        object.__setattr__(self, "experiments", tuple(self.experiments))
        for one in self.experiments:
            if not isinstance(one, Experiment):
                raise TypeError(f"a race takes objects of the class Experiment, got {one!r}")
        if not 1 <= len(self.experiments) <= MAX_ENTRANTS:
            raise ValueError(
                f"methods must name 1 to {MAX_ENTRANTS} entrants, got {len(self.experiments)}"
            )
        if self.probe not in PROBES:
            raise ValueError(f"probe must be one of {', '.join(PROBES)}, got {self.probe!r}")
        first, seen = self.experiments[0], set()
        for experiment in self.experiments:
            if replace(experiment, method=first.method, options=first.options) != first:
                raise ValueError(
                    "the entrants of a race may differ in method and options only; "
                    f"{experiment.label!r} differs from {first.label!r} elsewhere"
                )
            if experiment.entrant in seen:
                raise ValueError(f"methods names {experiment.entrant!r} twice")
            seen.add(experiment.entrant)

    @classmethod
    def of(cls, entrants: Sequence[str], probe: str = "light", **common: Any) -> "Race":
        """A race of entrants such as "batch" or "kalman:gain=0.5,transition=sampled".

        Raises:
            ValueError: naming the field, the value and what is allowed.
        """
        if isinstance(entrants, str) or not isinstance(entrants, Iterable):
            raise ValueError(f"methods must be a list of entrants, got {entrants!r}")
        experiments = []
        for text in entrants:
            method, options = parse_entrant(text)
            experiments.append(Experiment(method=method, options=options, **common))
        return cls(tuple(experiments), probe)

    @property
    def common(self) -> Experiment:
        """The first entrant: holds every setting that all share."""
        return self.experiments[0]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(experiment.label for experiment in self.experiments)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Race":
        given = json_object(text, "race")
        refuse_unknown(given, {f.name for f in fields(cls)}, "race")
        runs = given.pop("experiments", None)
        if not isinstance(runs, list) or not all(isinstance(one, dict) for one in runs):
            raise ValueError(f"experiments must be a list of JSON objects, got {runs!r}")
        return cls(tuple(Experiment.from_dict(one) for one in runs), **given)


def json_object(text: str, kind: str) -> dict[str, Any]:
    """Parse a JSON object; ValueError for anything else."""
    try:
        given = json.loads(text)
    except RecursionError:
        raise ValueError(f"{kind} must be JSON, got one that is nested too deeply") from None
    except (TypeError, ValueError) as error:  # a JSONDecodeError names the place
        raise ValueError(f"{kind} must be JSON: {error}") from error
    if not isinstance(given, dict):
        raise ValueError(f"{kind} must be a JSON object, got {type(given).__name__}")
    return given


def refuse_unknown(given: Mapping[str, Any], known: set[str], kind: str) -> None:
    """Raise ValueError if there are names that nobody knows."""
    unknown = sorted(set(given) - known, key=str)
    if unknown:
        raise ValueError(
            f"{kind} has no field {', '.join(map(repr, unknown))}; "
            f"its fields: {', '.join(sorted(known))}"
        )
