"""Cards: what a form, a table, a test or the docs need to know about what can be picked.

A card is plain data and imports no torch; `load` imports the implementation behind it. The cards
themselves are in bkn/catalog.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib import import_module
from typing import Any

Value = float | int | str | bool
Options = dict[str, Value]
Shape = tuple[int, int, int]  # channels, height, width
Layers = tuple[tuple[int, int], ...]  # channels and places that each normalizer sees
MANY, FEW = 40, 4  # so many keys are not all listed; so many are then


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
    divides: str = ""  # a number of groups that must divide the "channels", or all "values"
    offered: bool = False  # its words make entrants of their own in the chooser of methods
    of_steps: bool = False  # a share of the planned steps; forms say which step that is
    # (an option listed earlier, its value, the default then), where that differs
    default_where: tuple[str, Value, Value] | None = None
    at_least: str = ""  # an option listed earlier that this one must not lie below

    def default_with(self, options: Mapping[str, Any]) -> Value:
        """The default beside the options listed before this one."""
        if self.default_where is not None:
            other, value, default = self.default_where
            if options.get(other) == value:
                return default
        return self.default

    @property
    def allowed(self) -> str:
        """What is allowed, in words: "a number in [0, 1], or 'learned'"."""
        words = " or ".join(repr(choice) for choice in self.choices)
        if self.low is None or self.high is None:
            return words
        kind = "a whole number" if self.integer else "a number"
        number = f"{kind} in {span(self.low, self.high, self.integer)}"
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
    except (TypeError, ValueError, OverflowError):
        return None
    return number + 0.0 if abs(number) < float("inf") else None  # -0.0 is 0.0


def span(low: float, high: float, whole: bool) -> str:
    """A range in words; whole bounds with all their digits."""
    return f"[{int(low)}, {int(high)}]" if whole else f"[{low:g}, {high:g}]"


def load(target: str) -> Any:
    """Import what a target "module:name" names."""
    module, name = target.split(":")
    return getattr(import_module(module), name)


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
        complete: Options = {}
        for name, param in known.items():
            value = options.get(name, param.default_with(complete))
            complete[name] = param.check(value, self.key)
            if param.at_least and float(complete[name]) < float(complete[param.at_least]):
                told = [f"{one}={complete[one]}" + ("" if one in options else " (the default)")
                        for one in (name, param.at_least)]  # fmt: skip
                raise ValueError(
                    f"{self.key} option {name} must be at least option {param.at_least}, "
                    f"got {' and '.join(told)}"
                )
        return complete

    def load(self) -> Any:
        """Import and return the implementation; this is where torch gets imported."""
        return load(self.target)


FAMILIES = {  # in the order of every list; what the methods of a family have in common
    "control": "Nothing at all",
    "batch": "Statistics of the micro-batch",
    "belief": "What is seen, blended with what the layers below predict",
    "memory": "Statistics of this and earlier batches",
    "image": "Each image by itself",
    "mixed": "Several kinds of statistics blended",
    "weights": "Weights, gradients or steps instead of activations",
}
AXES = {  # what a statistic may run over
    "images": "the images of a micro-batch",
    "channels": "all channels",
    "channel group": "a group of channels",
    "places": "height and width",
    "past": "earlier batches",
    "below": "the layers below",
    "domain": "images of one domain",
}


@dataclass(frozen=True)
class MethodCard(Card):
    """A normalizer or a recipe, with the facts that forms, pages and tests rely on.

    `idea` has three sentences. `target` is the Normalizer; the other targets say how it gets into
    a network where it does not simply take the place of batch norm.
    """

    placement: str = "bkn.surgery.placement:in_place"  # function(network, method)
    wrapper: str = ""  # class around the whole converted model, e.g. for several forward passes

    family: str = "batch"  # key of FAMILIES
    year: int = 0
    paper: str = ""  # citation in short
    link: str = ""
    equations: tuple[str, ...] = ()  # LaTeX
    shares: tuple[str, ...] = ()  # keys of AXES that one statistic runs over
    training: str = ""  # in words: what normalizes in training
    evaluation: str = ""  # and in evaluation
    stands: str = "In place of batch norm."  # where in the network
    note: str = ""  # where defaults come from, what was scaled, what is ours
    stores: str = "nothing"  # state beside the parameters

    batch_statistics: bool = False  # training statistics come from the micro-batch
    estimates: bool = False  # its statistics estimate the population's, so they can be wrong
    uses_prior: bool = False  # wants beliefs woven through the network
    has_gain: bool = False
    remembers: bool = False  # training output depends on earlier batches
    needs_space: bool = False  # undefined on vectors and 1x1 maps
    needs_activation: bool = False  # does nothing where no activation follows the norm
    takes_domains: bool = False  # told each image's domain; its option `domains` says how many
    exact_gradient: bool = True  # False where the paper stops or replaces gradients
    scale_invariant: bool = True  # in training: to one positive scale of the layer's whole input
    shift_invariant: bool = True  # in training: to one shift of the layer's whole input

    colors: tuple[str, ...] = ("#7F7F7F",)  # for the first, second ... entrant of this method
    dash: str = "solid"


@dataclass(frozen=True)
class NetworkCard(Card):
    """A network written with plain nn.BatchNorm layers; `convert` swaps them."""

    spatial: bool = True  # normalized tensors have height and width
    activates: bool = True  # activations follow the norms
    layers: Callable[[Options, Shape], Layers] = lambda options, shape: ()
    smallest: Callable[[Options], int] = lambda options: 1  # height and width that it can take
    origin: str = ""  # where it comes from, with its size in few words; "" for our own
    effort: str = ""  # a sentence on time and memory, for those that need much


@dataclass(frozen=True)
class RemoteFile:
    """A file that has to be fetched before a dataset can be used."""

    path: str  # in the folder of fetched data, and under a mirror
    size: int  # bytes
    md5: str
    urls: tuple[str, ...]  # tried in this order
    # what is unpacked from it: paths in the same folder, each with its md5; "" where the checksum
    # inside a .gz file serves
    holds: tuple[tuple[str, str], ...] = ()


def one_domain(options: Options) -> tuple[str, ...]:
    """The domains of images that are all of one; no lambda, so that cards can be pickled."""
    return ("all",)


@dataclass(frozen=True)
class DatasetCard(Card):
    """Images and labels; `train` and `test` are numbers of images."""

    source: str = ""
    train: int = 0
    test: int = 0
    shape: Shape = (1, 8, 8)  # channels, height, width
    classes: tuple[str, ...] = field(default=())
    # of the training images: ways in which they were made
    domains: Callable[[Options], tuple[str, ...]] = one_domain
    files: tuple[RemoteFile, ...] = ()  # none: shipped, or made on this machine
    drawn: bool = False  # made on this machine
    # Of images whose number only the disk knows: the options that tell it, which nobody types, and
    # the function "module:name" that finds them. An experiment holds them, so that what was
    # recorded can be read wherever the images are not.
    found: tuple[Param, ...] = ()
    finder: str = ""

    def complete(self, options: Mapping[str, Any]) -> Options:
        if not self.finder or not isinstance(options, Mapping):
            return super().complete(options)
        given = options or load(self.finder)()
        names = [param.name for param in self.found]
        if set(given) != set(names):
            raise ValueError(
                f"options of {self.key} are found, not chosen: leave them out, or give "
                f"{', '.join(names)} together; got {', '.join(given)}"
            )
        return {param.name: param.check(given[param.name], self.key) for param in self.found}

    def of(self, options: Options) -> "DatasetCard":
        """The card of the very images that these options, once completed, mean."""
        if not self.finder:
            return self
        train, test, classes, size = (
            int(options[name]) for name in ("train", "test", "classes", "size")
        )
        names = tuple(str(label) for label in range(classes))
        return replace(self, train=train, test=test, classes=names, shape=(3, size, size))

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)


def pick(
    cards: Mapping[str, Any], key: str, kind: str, absent: Mapping[str, str] | None = None
) -> Any:
    """The card of that key; `absent` gives the reasons why some keys have none.

    Raises:
        ValueError: naming the kind, the unknown key, and the known ones; of many the closest.
    """
    if isinstance(key, str) and key in cards:
        return cards[key]
    if isinstance(key, str) and absent and key in absent:
        raise ValueError(f"unknown {kind} {key!r}: {absent[key]}")
    known = list(cards)
    close = get_close_matches(str(key).lower(), known, FEW, 0.5) if len(known) > MANY else []
    words, shown = ("closest", close) if close else ("known", known)
    rest = ""
    if len(known) > MANY:
        shown = shown[:FEW]
        rest = f" and {len(known) - len(shown)} more, listed by bkn.{kind}s()"
    raise ValueError(f"unknown {kind} {key!r}; {words}: {', '.join(shown)}{rest}")
