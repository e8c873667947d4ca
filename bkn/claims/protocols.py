"""What the claims' protocols have in common, so that claims share their runs.

The seeds are fresh ones: defaults and initial weights of this lab were chosen on seeds 100 to 107,
methods were built while looking at seeds 0 to 9, and 200 to 219 have been reported. Nobody has
looked at these before the claims and their decisions were written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bkn.catalog import DATASETS
from bkn.pace import steps_between_tests
from bkn.sweep import Sweep

CLOSE = 1.0  # points; a Scale says what that is there
WORTH = 0.5  # points


@dataclass(frozen=True)
class Scale:
    """The settings that all claims share at one scale; a claim names what differs.

    Args:
        words: the settings in words.
        settings: axes of a Sweep.
        batch: images per step.
        lr: the usual peak of the learning rate.
        epochs: the usual length of a training,
        long: and a longer one, for what shows late.
        close_because: why two accuracies within CLOSE count as equal,
        worth_because: and why a gain of WORTH is worth having.
        common: further fields of all Experiments.
    """

    words: str
    settings: Mapping[str, Any]
    batch: int
    lr: float
    epochs: int
    long: int
    close_because: str
    worth_because: str
    common: Mapping[str, Any] = field(default_factory=dict)

    @property
    def between_tests(self) -> float:
        """Steps from test to test, at the usual batch."""
        (dataset,) = self.settings["datasets"]
        return float(steps_between_tests(DATASETS[dataset].test, self.batch))

    def sweep(
        self, methods: Sequence[str], *, diagnose: str = "none", seeds: int = 0, **changed: Any
    ) -> Sweep:
        """A sweep of these methods; statistics over the whole step unless told otherwise.

        Args:
            methods: entrants.
            diagnose: as of Sweep.
            seeds: only the first so many.
            changed: axes of the Sweep as lists, and other fields of the Experiment as values.
        """
        axes = {"batches": (self.batch,), "lrs": (self.lr,), **self.settings}
        common = {"epochs": self.epochs, **self.common}
        for name, value in changed.items():
            (axes if name in AXES else common)[name] = value
        axes.setdefault("micro_batches", axes["batches"])
        if seeds:
            axes["seeds"] = axes["seeds"][:seeds]
        return Sweep(methods=tuple(methods), diagnose=diagnose, common=common, **axes)


AXES = {"batches", "micro_batches", "lrs", "networks", "datasets", "seeds"}
LAPTOP = Scale(
    "Digits, convnet of six layers, B = 64, peak lr 0.05, 4 epochs (84 steps), 8 fresh seeds",
    {"datasets": ("digits",), "networks": ("convnet",), "seeds": tuple(range(1000, 1008))},
    batch=64,
    lr=0.05,
    epochs=4,
    long=10,
    close_because="A point is four to five of the 447 test images, and about what batch norm's "
    "accuracy varies from one seed to the next (0.5 to 1.1 points).",
    worth_because="Half a point is two of the 447 test images, and about half of what batch norm's "
    "accuracy varies from one seed to the next.",
)
GPU = Scale(
    "CIFAR-10 with crops and flips, ResNet-32, B = 128, peak lr 0.1, 30 epochs, 5 fresh seeds",
    {"datasets": ("cifar10",), "networks": ("resnet",), "seeds": tuple(range(1000, 1005))},
    batch=128,
    lr=0.1,
    epochs=30,
    long=60,
    close_because="A point is 100 of the 10,000 test images; how much batch norm's accuracy varies "
    "from one seed to the next has not been measured here.",
    worth_because="Half a point is 50 of the 10,000 test images; how much batch norm's accuracy "
    "varies from one seed to the next has not been measured here.",
    common={"network_options": {"n": 5}, "augment": "crop_flip"},
)
