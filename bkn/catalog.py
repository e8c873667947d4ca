"""Cards: what can be raced, as plain data.

A card tells everything that a form, a table, a test or the docs need to know about a method,
a network or a dataset, without importing torch; `load` imports the implementation. Adding a
method means one file, one card here and one reference test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

Value = float | int | str | bool
Options = dict[str, Value]


@dataclass(frozen=True)
class Param:
    """One option of a card: its default, what is allowed and what it does.

    Numbers lie in [low, high]; `choices` are words allowed instead of, or beside, a number.
    """

    name: str
    default: Value
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    integer: bool = False
    live: bool = False  # may be changed while a race runs

    @property
    def allowed(self) -> str:
        """What is allowed, in words: "a number in [0, 1], or 'learned'"."""
        words = " or ".join(repr(choice) for choice in self.choices)
        if self.low is None:
            return words
        number = (
            f"{'a whole number' if self.integer else 'a number'} in [{self.low:g}, {self.high:g}]"
        )
        return f"{number}, or {words}" if words else number

    def check(self, value: Any, owner: str) -> Value:
        """Return the value in its proper type.

        Raises:
            ValueError: naming the field, the value and what is allowed.
        """
        if isinstance(value, str) and value in self.choices:
            return value
        number = as_number(value)
        if number is not None and self.low is not None and self.high is not None:
            whole = not self.integer or number == int(number)
            if self.low <= number <= self.high and whole:
                return int(number) if self.integer else number
        raise ValueError(f"{owner} option {self.name} must be {self.allowed}, got {value!r}")


def as_number(value: Any) -> float | None:
    """A finite float from a number or its text, else None; truth values are no numbers."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < float("inf") else None


@dataclass(frozen=True)
class Card:
    """What a user picks: key, title, idea, parameters and where the code lives."""

    key: str
    title: str
    idea: str  # a few plain sentences, for the page
    target: str  # "module:name", imported by `load`
    params: tuple[Param, ...] = ()

    def complete(self, options: Mapping[str, Any]) -> Options:
        """Validate options and fill in the defaults.

        Raises:
            ValueError: for an unknown option or a value that is not allowed.
        """
        known = {param.name: param for param in self.params}
        if not isinstance(options, Mapping):
            raise ValueError(f"options of {self.key} must map names to values, got {options!r}")
        for name in options:
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise ValueError(f"{self.key} has no option {name!r}; its options: {allowed}")
        return {
            name: param.check(options.get(name, param.default), self.key)
            for name, param in known.items()
        }

    def load(self) -> Any:
        """Import and return the implementation; this is where torch gets imported."""
        module, name = self.target.split(":")
        return getattr(import_module(module), name)


@dataclass(frozen=True)
class MethodCard(Card):
    """A normalizer or a recipe, with the facts that forms and tests rely on."""

    paper: str = ""  # citation in short
    link: str = ""
    batch_statistics: bool = False  # training statistics come from the micro-batch
    estimates: bool = False  # its statistics estimate the population's, so they can be wrong
    uses_prior: bool = False  # wants beliefs woven through the network
    has_gain: bool = False
    needs_space: bool = False  # undefined on vectors and 1x1 maps
    stores: str = "nothing"  # state beside the parameters
    colors: tuple[str, ...] = ("#7F7F7F",)  # for the first, second ... entrant of this method
    dash: str = "solid"


@dataclass(frozen=True)
class NetworkCard(Card):
    """A network written with plain nn.BatchNorm layers; `convert` swaps them."""

    spatial: bool = True  # normalized tensors have height and width


@dataclass(frozen=True)
class DatasetCard(Card):
    """Images and labels; `train` and `test` are numbers of images."""

    source: str = ""
    train: int = 0
    test: int = 0
    shape: tuple[int, int, int] = (1, 8, 8)  # channels, height, width
    classes: tuple[str, ...] = field(default=())


RUNNING = Param(
    "running",
    "mean",
    "Which micro-batches feed the running statistics: the mean of all, or the first (authors).",
    choices=("mean", "first"),
)

METHODS: dict[str, MethodCard] = {
    card.key: card
    for card in (
        MethodCard(
            "none",
            "No norm",
            "No statistics at all: a learned scale and shift per channel. The control group.",
            "bkn.normalizers.classic:NoNorm",
            colors=("#999999", "#666666"),
            dash="longdashdot",
        ),
        MethodCard(
            "batch",
            "Batch norm",
            "Each micro-batch is normalized by its own mean and variance per channel. With few "
            "images these are noisy. Evaluation uses running averages instead.",
            "bkn.normalizers.batch:BatchNorm",
            (RUNNING,),
            paper="Ioffe & Szegedy 2015",
            link="https://arxiv.org/abs/1502.03167",
            batch_statistics=True,
            estimates=True,
            stores="running mean and variance",
            colors=("#0072B2", "#56B4E9"),
            dash="dash",
        ),
        MethodCard(
            "group",
            "Group norm",
            "Each image is normalized by itself, over groups of channels. It never looks at other "
            "images, so the batch size does not matter to it.",
            "bkn.normalizers.classic:GroupNorm",
            (
                Param(
                    "groups", 4, "Channel groups; must divide the channels.", 1, 512, integer=True
                ),
            ),
            paper="Wu & He 2018",
            link="https://arxiv.org/abs/1803.08494",
            colors=("#CC79A7", "#8C4A74"),
            dash="dot",
        ),
        MethodCard(
            "layer",
            "Layer norm",
            "Each image is normalized by itself, over all channels at once.",
            "bkn.normalizers.classic:LayerNorm",
            paper="Ba, Kiros & Hinton 2016",
            link="https://arxiv.org/abs/1607.06450",
            colors=("#882255", "#AA4499"),
            dash="longdash",
        ),
        MethodCard(
            "instance",
            "Instance norm",
            "Each channel of each image is normalized by itself. What a channel says by its mere "
            "brightness is lost.",
            "bkn.normalizers.classic:InstanceNorm",
            paper="Ulyanov, Vedaldi & Lempitsky 2016",
            link="https://arxiv.org/abs/1607.08022",
            needs_space=True,
            colors=("#D55E00", "#A04000"),
            dash="dashdot",
        ),
        MethodCard(
            "kalman",
            "Kalman norm",
            "Two images say little about a channel. The layers below already hold a belief; it is "
            "pushed through the weights into a prior, and the micro-batch is then one noisy "
            "observation of the same moments, weighed in by the gain.",
            "bkn.normalizers.kalman:KalmanNorm",
            (
                Param(
                    "gain",
                    0.1,
                    "Weight of the observation: 1 trusts the micro-batch alone (batch norm), 0 the "
                    "layers below; 'learned' trains one gain per channel.",
                    0.0,
                    1.0,
                    ("learned",),
                    live=True,
                ),
                Param(
                    "transition",
                    "moments",
                    "How the prior is made: the posterior's moments in closed form, the authors' "
                    "sampled image, or the moments after normalization.",
                    choices=("moments", "sampled", "normalized"),
                ),
                RUNNING,
            ),
            paper="Wang, Peng, Luo, Wang & Lin 2018",
            link="https://arxiv.org/abs/1802.03133",
            batch_statistics=True,
            estimates=True,
            uses_prior=True,
            has_gain=True,
            stores="running mean and variance; the gain when learned",
            colors=("#009E73", "#E69F00", "#F0C419", "#785EF0"),
            dash="solid",
        ),
    )
}

NETWORKS: dict[str, NetworkCard] = {
    card.key: card
    for card in (
        NetworkCard(
            "convnet",
            "Convnet",
            "A stack of 3x3 convolutions, each with its norm and ReLU; every second stage halves "
            "the picture and doubles the channels. Then average and classify.",
            "bkn.nets.convnet:ConvNet",
            (
                Param("depth", 6, "Convolutions; two per stage.", 2, 12, integer=True),
                Param("width", 16, "Channels of the first stage.", 4, 128, integer=True),
            ),
        ),
        NetworkCard(
            "resnet",
            "ResNet, pre-activation",
            "6n+2 layers with shortcuts, norm and ReLU before each convolution, as the authors of "
            "the Kalman paper use.",
            "bkn.nets.resnet:ResNet",
            (
                Param("n", 1, "Blocks per stage; 6n+2 layers.", 1, 18, integer=True),
                Param("width", 16, "Channels of the first stage.", 4, 128, integer=True),
            ),
        ),
        NetworkCard(
            "mlp",
            "MLP",
            "Fully connected layers, each with its norm and ReLU: no space, vectors only.",
            "bkn.nets.mlp:MLP",
            (
                Param("depth", 4, "Hidden layers.", 1, 12, integer=True),
                Param("width", 128, "Units per hidden layer.", 4, 1024, integer=True),
            ),
            spatial=False,
        ),
    )
}

DATASETS: dict[str, DatasetCard] = {
    card.key: card
    for card in (
        DatasetCard(
            "digits",
            "Digits, 1,797 real 8×8 scans",
            "Handwritten digits, 8x8 pixels in 17 greys. Small enough to train in seconds.",
            "bkn.data.digits:load",
            source="Alpaydin & Kaynak 1998, UCI Machine Learning Repository, CC BY 4.0",
            train=1350,
            test=447,
            shape=(1, 8, 8),
            classes=tuple("0123456789"),
        ),
        DatasetCard(
            "shapes",
            "Shapes, drawn 32×32 in colour",
            "Ten shapes drawn on demand in random colour, place, size and angle, under clutter and "
            "noise. Harder than digits, and as many as you like.",
            "bkn.data.shapes:load",
            (
                Param("difficulty", 0.5, "Clutter, noise, contrast: 0 easy, 1 hopeless.", 0, 1),
            ),
            source="procedural, made here",
            train=32000,
            test=2000,
            shape=(3, 32, 32),
            classes=(
                "disc", "square", "triangle", "star", "cross",
                "ring", "heart", "crescent", "hexagon", "bar",
            ),
        ),
    )
}  # fmt: skip


def pick(cards: Mapping[str, Any], key: str, kind: str) -> Any:
    """The card of that key.

    Raises:
        ValueError: naming the kind, the unknown key and the known ones.
    """
    if key not in cards:
        raise ValueError(f"unknown {kind} {key!r}; known: {', '.join(cards)}")
    return cards[key]
