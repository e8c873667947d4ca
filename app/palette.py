"""Colours: one per entrant, the same in every figure, card and sentence, in both themes.

The cards of the methods name colours that colour-blind people tell apart. Here each becomes four:
for lines and for words, on the light and on the dark theme, moved towards black or white only as
far as legibility asks (contrast 3 for lines, 4.5 for words).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from bkn.experiment import Experiment, Race

PAPER = ("#FFFFFF", "#171B21")  # what figures are drawn on: light, dark
Pair = tuple[str, str]  # the same thing on the light and on the dark theme
Tokens = dict[str, Pair]  # names that figures use, as "@e0", and their colours

# ×1 is pale, ×10 glows; lightness changes in one direction, so it reads without hue too.
HEAT = ((0.0, "h0"), (0.08, "h1"), (0.3, "h2"), (0.48, "h3"), (0.7, "h4"), (1.0, "h5"))
_HEAT_LIGHT = ("#EAF1F5", "#F6ECCB", "#FAC765", "#F0903F", "#D8432F", "#8A1023")
_HEAT_DARK = ("#212C36", "#3B3524", "#7D5718", "#BC681F", "#E8573A", "#FFB9A6")
HEAT_TOKENS: Tokens = {
    name: pair
    for (_, name), pair in zip(HEAT, zip(_HEAT_LIGHT, _HEAT_DARK, strict=True), strict=True)
}

# What an estimate is made from; the same in every figure of the Estimates group.
ROLES: Tokens = {
    "observation": ("#0072B2", "#4AA3DC"),
    "prior": ("#785EF0", "#A08DFF"),
}
# From the first layer to the last, one hue.
_RAMP = (("#62A4D0", "#0A2450"), ("#3C73A6", "#D9ECFF"))


class Ink(NamedTuple):
    """How one entrant is drawn."""

    label: str
    line: Pair
    text: Pair
    dash: str

    @property
    def css(self) -> str:
        """Colour of words in HTML; follows the theme by itself."""
        return f"light-dark({self.text[0]}, {self.text[1]})"

    @property
    def css_line(self) -> str:
        """Colour of a dot in HTML; follows the theme by itself."""
        return f"light-dark({self.line[0]}, {self.line[1]})"


def channels(color: str) -> tuple[int, int, int]:
    """Red, green, blue of "#RRGGBB", 0..255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def mix(color: str, other: str, share: float) -> str:
    """The colour with `share` of the other mixed in."""
    pairs = zip(channels(color), channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def luminance(color: str) -> float:
    """Relative luminance as the web's accessibility guidelines define it, 0..1."""
    linear = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value / 255 for value in channels(color))
    )
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1..21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=256)
def legible(color: str, ratio: float) -> Pair:
    """The colour on light and on dark paper, moved just enough to reach the contrast."""

    def moved(paper: str, towards: str) -> str:
        for percent in range(101):
            shade = mix(color, towards, percent / 100)
            if contrast(shade, paper) >= ratio:
                return shade
        return towards

    return moved(PAPER[0], "#000000"), moved(PAPER[1], "#FFFFFF")


Drawn = Race | Sequence[Experiment]  # a race, or one experiment per entrant of a sweep


def inks(of: Drawn) -> list[Ink]:
    """One ink per entrant, in their order; the second of a method takes its second colour."""
    met: Counter[str] = Counter()
    drawn = []
    for experiment in of.experiments if isinstance(of, Race) else of:
        card = experiment.method_card
        color = card.colors[met[card.key] % len(card.colors)]
        met[card.key] += 1
        drawn.append(Ink(experiment.label, legible(color, 3.0), legible(color, 4.5), card.dash))
    return drawn


def tokens(of: Drawn, extra: Mapping[str, Pair] | None = None) -> Tokens:
    """Lines as "@e0", "@e1" ..., words as "@t0" ..., and whatever a figure adds."""
    named: Tokens = {}
    for position, ink in enumerate(inks(of)):
        named |= {f"e{position}": ink.line, f"t{position}": ink.text}
    return named | dict(extra or {})


def ramp(count: int) -> Tokens:
    """Colours "r0", "r1" ... of `count` layers, from the first to the last."""
    (light_from, light_to), (dark_from, dark_to) = _RAMP
    shares = [i / max(count - 1, 1) for i in range(count)]
    return {
        f"r{i}": (mix(light_from, light_to, share), mix(dark_from, dark_to, share))
        for i, share in enumerate(shares)
    }


# On the Kalman page no entrant lends the posterior its colour.
FILTER: Tokens = ROLES | {"posterior": legible("#009E73", 3.0)}
