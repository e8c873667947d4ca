"""An effect with its interval, as a small SVG: where it lies against nothing and the margin.

Drawn on the server and coloured by the page's style sheet, so that a row of a table can hold one.
All rows of a table share one scale.
"""

from collections.abc import Iterable, Sequence
from html import escape
from math import floor, isfinite, log10
from typing import NamedTuple

WIDTH, HEIGHT = 240.0, 30.0
MIDDLE = 12.0  # of the interval, from the top
PAD = 0.07  # share of the width that stays free at each side
ROOM = 30.0  # that a number below needs


class Scale(NamedTuple):
    """What an axis reaches from and to, in the unit of the effect."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value lies from the left; beyond the ends, a little outside."""
        share = (value - self.low) / (self.high - self.low)
        return WIDTH * (PAD + (1 - 2 * PAD) * min(max(share, -PAD), 1 + PAD))


def scale(values: Iterable[float | None], nothing: float = 0.0) -> Scale:
    """A scale that holds all finite values, and that of no effect."""
    known = [nothing, *(v for v in values if v is not None and isfinite(v))]
    low, high = min(known), max(known)
    if low == high:
        return Scale(low - 1.0, high + 1.0)
    return Scale(low, high)


def interval(
    effect: float | None,
    low: float | None,
    high: float | None,
    words: str,
    drawn: Scale,
    kind: str = "",
    band: tuple[float, float] | None = None,
    nothing: float = 0.0,
    ticks: bool = True,
) -> str:
    """SVG of one effect.

    Args:
        effect: its best guess; None: not known, only the axis is drawn.
        low: lower end of its interval.
        high: upper end.
        words: the same in words, for those who cannot see it.
        drawn: the axis.
        kind: class of the drawing: the key of a verdict gives it its colour.
        band: from where to where a difference is too small to matter, shaded.
        nothing: the value that means no effect.
        ticks: whether numbers stand below.
    """
    parts = []
    if band is not None and band[0] < band[1]:
        left, right = drawn.at(band[0]), drawn.at(band[1])
        parts.append(
            f'<rect class="margin" x="{left:.1f}" y="0" width="{right - left:.1f}" '
            f'height="{2 * MIDDLE:.0f}"/>'
        )
    zero = drawn.at(nothing)
    parts.append(f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{2 * MIDDLE}"/>')
    if known(low) and known(high):
        parts.append(whisker(drawn, float(low or 0), float(high or 0)))
    if known(effect):
        parts.append(f'<circle cx="{drawn.at(float(effect or 0)):.1f}" cy="{MIDDLE}" r="4.5"/>')
    if ticks:
        parts.append(numbers(drawn, [nothing, *(band or ())]))
    height = HEIGHT + 6 if ticks else 2 * MIDDLE
    return (
        f'<svg class="bkn-interval {escape(kind, quote=True)}" role="img" '
        f'aria-label="{escape(words, quote=True)}" viewBox="0 0 {WIDTH:.0f} {height:.0f}">'
        f"{''.join(parts)}</svg>"
    )


def known(value: float | None) -> bool:
    """Whether there is a number to draw."""
    return value is not None and isfinite(value)


def whisker(drawn: Scale, low: float, high: float) -> str:
    """The interval: a line with ends."""
    left, right = drawn.at(low), drawn.at(high)
    ends = "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{MIDDLE - 5}" y2="{MIDDLE + 5}"/>'
        for x in (left, right)
    )
    return f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{MIDDLE}" y2="{MIDDLE}"/>{ends}'


def numbers(drawn: Scale, first: Sequence[float]) -> str:
    """Numbers below: the important ones, then the ends of the axis where there is room."""
    placed: list[float] = []
    found = []
    for value in (*first, rounded(drawn.high), rounded(drawn.low)):
        x = drawn.at(value)
        if not drawn.low <= value <= drawn.high or any(abs(x - other) < ROOM for other in placed):
            continue
        placed.append(x)
        found.append(f'<text x="{x:.1f}" y="{2 * MIDDLE + 10}">{tick(value)}</text>')
    return "".join(found)


def rounded(value: float) -> float:
    """The number with one digit, towards zero: where an axis' end is marked."""
    if value == 0:
        return 0.0
    step = 10.0 ** floor(log10(abs(value)))
    return float(f"{int(value / step) * step:.1g}")


def tick(value: float) -> str:
    """A number as an axis shows it, with a real minus sign."""
    return f"{value:g}".replace("-", "−")
