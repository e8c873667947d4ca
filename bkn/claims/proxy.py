"""Proxy normalization undoes what layer norm and instance norm do wrong."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, verdict
from bkn.claims.evidence import Evidence, figure
from bkn.claims.protocols import GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep

ON_LAYER, ON_GROUP = "proxy:groups=1", "proxy"
SHARE = 5.0  # % of the power


def _sweeps(scale: Scale) -> list[Sweep]:
    return [scale.sweep(["layer", ON_LAYER, "instance", ON_GROUP], micro_batches=(2,))]


def decide(results: Sequence[Result]) -> Verdict:
    """Layer norm's failure in its channels and in its accuracy; instance norm's in its accuracy."""
    found = Evidence(results)
    share = figure("channel_share_end", 100.0)
    less = beats(
        "layer − proxy: share of channel means at the last norm",
        found.of("layer", share), found.of(ON_LAYER, share), SHARE,
    )  # fmt: skip
    layer = beats("proxy on layer − layer norm", found.of(ON_LAYER), found.of("layer"), WORTH)
    instance = beats("proxy on group − instance norm", found.of(ON_GROUP), found.of("instance"),
                     WORTH)  # fmt: skip
    return verdict(
        results,
        Part("Layer norm with a proxy is more accurate than without", [layer]),
        Part("It undoes the collapse of layer norm's channels", [less], "% of the power"),
        Part("With a proxy, norms of single images need not be instance norm's", [instance]),
    )


CLAIM = Claim(
    "proxy",
    "small",
    "Proxy normalization undoes the failures of layer and instance norm",
    "Layer normalization lets channels collapse: more and more of a channel's power is its mean, "
    "which says the same of every image. Instance normalization cannot collapse so, but takes the "
    "differences between images away. Normalizing once more by what scale, shift and activation do "
    "to a normal distribution undoes the first on layer norm, and gives a norm of single images "
    "without the second on group norm.",
    "Labatie, Masters, Eaton-Rosen & Luschi 2021",
    "https://arxiv.org/abs/2106.03743",
    2021,
    "ImageNet, ResNets and EfficientNets, deep: layer or group norm with a proxy match or exceed "
    "batch norm; the share of channel means is measured by depth.",
    Protocol(
        f"{LAPTOP.words}; no statistic here looks at a second image. Six layers are few: the "
        "collapse grows with depth.",
        lambda: _sweeps(LAPTOP),
        WORTH,
        f"{LAPTOP.worth_because} For the share 5 % of the power.",
    ),
    Protocol(
        f"{GPU.words}.",
        lambda: _sweeps(GPU),
        WORTH,
        f"{GPU.worth_because} For the share 5 % of the power.",
    ),
    "Paired by seed: proxy on layer norm is above layer norm; the share of channel means in the "
    "power that arrives at the last norm is larger with layer norm; proxy on group norm is above "
    "instance norm.",
    decide,
)
