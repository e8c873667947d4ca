"""The free sliders: what each is, what is allowed, and how they stand in the link."""

from collections.abc import Mapping, Sequence
from typing import Any

from bkn.cards import Param, Value

FREE = {
    param.name: param
    for param in (
        Param("prior_mean", 0.8, "What the layers below predict for the mean of this channel.",
              -3.0, 3.0),
        Param("prior_var", 1.6, "The variance that they predict. From 100 times the observed one "
              "on, the authors' guard sets the prior aside.", 0.05, 200.0),
        Param("noise", 0.3, "How much images differ from one another: the share of the channel's "
              "variance that lies between images. At 0 each image shows the same mean, at 1 all "
              "places of an image have one value.", 0.0, 1.0),
        Param("m", 2, "Images per micro-batch. The observation is made of these alone.",
              1, 64, integer=True),
        Param("q", 0.3, "The gain: weight of the observation. 1 is batch normalization, 0 trusts "
              "the layers below alone.", 0.0, 1.0),
        Param("truth_mean", 0.0, "Mean of the channel over all images. The filter does not know "
              "it.", -3.0, 3.0),
        Param("truth_var", 1.0, "Variance of the channel over all images. The filter does not "
              "know it.", 0.1, 10.0),
        Param("places", 16, "Values of this channel per image: height times width of the layer.",
              1, 256, integer=True),
        Param("draw", 0, "Which images chance deals: the same number, the same images.",
              0, 9999, integer=True),
    )
}  # fmt: skip
STAGES = ("predict", "observe", "update")
SOURCES = {"free": "Sliders", "recorded": "A recorded layer"}
LINK: dict[str, Value] = {  # everything that the link may set, and its default
    "source": "free",
    "stage": "update",
    **{name: param.default for name, param in FREE.items()},
    "race": "",  # of a recorded layer: the race, "" for the one that comes with the app
    "entrant": "",
    "layer": "",
    "channel": "",
    "group": "",  # the micro-batch, from 1
    "at": "",  # step of the training
}
Settings = dict[str, Any]


def parse(name: str, text: str) -> Value:
    """One setting from its text in the link; what a race must know is judged with the race.

    Raises:
        ValueError: naming the setting, the value and what is allowed.
    """
    if name in FREE:
        try:
            return FREE[name].check(text, "the filter's")
        except ValueError:
            raise ValueError(f"{name} must be {FREE[name].allowed}, got {text!r}") from None
    known = {"source": tuple(SOURCES), "stage": STAGES}.get(name)
    if known is not None and text not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {text!r}")
    return text


def read(url: Mapping[str, Sequence[str]]) -> tuple[Settings, list[str]]:
    """All settings, from the link where it gives them; and a sentence for all that is wrong."""
    settings, wrong = dict(LINK), []
    for name, texts in url.items():
        if name not in LINK:
            wrong.append(f"the link sets {name!r}, which this page does not know")
            continue
        try:
            settings[name] = parse(name, texts[-1].strip())
        except ValueError as error:
            wrong.append(f"{error}; using {LINK[name]!r}")
    return settings, wrong


def write(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """The inverse of `read`: query parameters of what differs from its default."""
    return {
        name: [text(settings[name])]
        for name, default in LINK.items()
        if settings.get(name, default) != default
    }


def text(value: Any) -> str:
    """A value as the link holds it: 0.3, 2, layer3."""
    return f"{value:g}" if isinstance(value, float) else str(value)
