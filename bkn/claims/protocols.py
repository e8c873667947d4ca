"""What the claims' protocols have in common, so that claims share their runs.

The seeds are fresh ones: defaults and initial weights of this lab were chosen on seeds 100 to 107,
methods were built while looking at seeds 0 to 9, and 200 to 219 have been reported. Nobody has
looked at these before the claims and their decisions were written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bkn.sweep import Sweep

CLOSE = 1.0  # points
CLOSE_BECAUSE = (
    "A point is four to five of the 447 test images, and about what batch norm's accuracy varies "
    "from one seed to the next (0.5 to 1.1 points)."
)
WORTH = 0.5  # points
WORTH_BECAUSE = (
    "Half a point is two of the 447 test images, and about half of what batch norm's accuracy "
    "varies from one seed to the next."
)


@dataclass(frozen=True)
class Scale:
    """The settings that all claims share at one scale; a claim names what differs.

    Args:
        words: the settings in words.
        settings: axes of a Sweep.
        common: further fields of all Experiments.
        batch: images per step.
        lr: the usual peak of the learning rate.
        epochs: the usual length of a training,
        long: and a longer one, for what shows late.
    """

    words: str
    settings: Mapping[str, Any]
    batch: int
    lr: float
    epochs: int
    long: int
    common: Mapping[str, Any] = field(default_factory=dict)

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
)
GPU = Scale(
    "CIFAR-10 with crops and flips, ResNet-32, B = 128, peak lr 0.1, 30 epochs, 5 fresh seeds",
    {"datasets": ("cifar10",), "networks": ("resnet",), "seeds": tuple(range(1000, 1005))},
    batch=128,
    lr=0.1,
    epochs=30,
    long=60,
    common={"network_options": {"n": 5}, "augment": "crop_flip"},
)
