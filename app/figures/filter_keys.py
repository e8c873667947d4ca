"""Keyframes of the filter in slow motion: where every curve is, and when.

Time runs from 0 to 3, one unit for each of predict, observe and update; the browser draws what
lies between two keyframes by mixing them. A bell is drawn as points that keep their distance in
standard deviations, so that mixing two bells moves and spreads one.
"""

from typing import NamedTuple

import numpy as np

from app.figures.spec import Dict, packed
from app.kalman.scene import Scene, deviation
from bkn.replay import Moments, Real
from bkn.snapshot import BINS, SPAN

REACH = 3.6  # standard deviations of a bell that are drawn
POINTS = np.linspace(-REACH, REACH, 97)
SHAPE = np.exp(-(POINTS**2) / 2) / np.sqrt(2 * np.pi)
MOST_DOTS = 256


class Line(NamedTuple):
    """Points of a curve."""

    x: Real
    y: Real


class Frame(NamedTuple):
    """The picture's measures: x from low to high, bells as high as top at the most."""

    low: float
    high: float
    top: float
    shift: float = 0.0  # where the shelf's zero stands
    scale: float = 1.0  # of the shelf's values
    dotted: bool = True  # whether single values are drawn
    shelved: bool = True  # whether the layer below is drawn

    @property
    def shelf(self) -> float:
        """Where the layer below stands, above this layer's bells."""
        return 1.16 * self.top

    @property
    def roof(self) -> float:
        """Upper end of the picture."""
        return (1.62 if self.shelved else 1.12) * self.top

    @property
    def floor(self) -> float:
        """Lower end: the images lie between here and 0."""
        return (-0.26 if self.dotted else -0.03) * self.top


def frame(scene: Scene) -> Frame:
    """Measures that hold all bells, and do not depend on the gain."""
    known = [one for one in (scene.truth, scene.prior, scene.seen) if one is not None]
    below = list(scene.below.beliefs) if scene.below and not scene.recorded else []
    base = scene.truth or scene.seen
    widest = 8 * max(deviation(base), 1e-6)
    ends = [
        float(one.mean) + side * min(3.3 * deviation(one), widest)
        for one in [*known, *below]
        for side in (-1, 1)
    ]
    step = 10.0 ** np.floor(np.log10(max(max(ends) - min(ends), 1e-6))) / 4
    low, high = np.floor(min(ends) / step) * step, np.ceil(max(ends) / step) * step
    heights = sorted(SHAPE.max() / max(deviation(one), 1e-6) for one in known)
    top = float(min(heights[-1], 3 * heights[0] + heights[-2]))
    if scene.shares is not None and scene.truth is not None:
        highest = scene.shares[1:-1].max() * BINS / (2 * SPAN * max(deviation(scene.truth), 1e-12))
        top = max(top, min(float(highest), 2 * top))
    shelf = shelf_scale(scene, float(low), float(high))
    return Frame(
        float(low), float(high), top, *shelf,
        dotted=scene.values is not None, shelved=scene.below is not None,
    )  # fmt: skip


def shelf_scale(scene: Scene, low: float, high: float) -> tuple[float, float]:
    """Shift and scale of the shelf: a recorded layer below has a scale of its own."""
    if not scene.recorded or scene.below is None:
        return 0.0, 1.0
    reach = [
        float(one.mean) + side * 3 * deviation(one)
        for one in scene.below.beliefs
        for side in (-1, 1)
    ]
    left, right = min(0.0, *reach), max(0.0, *reach)
    scale = 0.8 * (high - low) / max(right - left, 1e-9)
    return low + 0.1 * (high - low) - scale * left, scale


def bell(of: Moments, size: Frame, share: float = 1.0) -> Line:
    """A normal density, times a share; cut where it leaves the picture."""
    sd = max(deviation(of), 1e-6 * (size.high - size.low))
    return Line(float(of.mean) + sd * POINTS, np.minimum(share * SHAPE / sd, size.top))


def on_shelf(of: Moments, size: Frame) -> Line:
    """The bell of a channel below, drawn small and high up."""
    x = size.shift + size.scale * (float(of.mean) + deviation(of) * POINTS)
    return Line(x, size.shelf + 0.34 * size.top * SHAPE / SHAPE.max())


def folded(line: Line, size: Frame) -> Line:
    """Behind a ReLU: what lay below zero stands at zero."""
    return Line(np.maximum(line.x, size.shift), line.y)


def bars(scene: Scene, size: Frame) -> Line | None:
    """The histogram of the channel's values as a density, where it was recorded."""
    if scene.shares is None or scene.truth is None:
        return None
    sd = max(deviation(scene.truth), 1e-12)
    edges = float(scene.truth.mean) + sd * np.linspace(-SPAN, SPAN, BINS + 1)
    height = scene.shares[1:-1] / (edges[1] - edges[0])
    outline = np.concatenate([[0.0], np.repeat(height, 2), [0.0]])
    return Line(np.repeat(edges, 2), np.minimum(outline, size.top))


def mixed(scene: Scene, size: Frame) -> Line:
    """The mixture of prior and observation that has the posterior's mean and variance."""
    x = bell(scene.posterior, size).x
    prior = density(scene.prior or scene.seen, x)
    y = (1 - scene.var_gain) * prior + scene.var_gain * density(scene.seen, x)
    return Line(x, np.minimum(y, size.top))


def density(of: Moments, x: Real) -> Real:
    """Of a normal value, at x; narrow bells are widened to what a screen can show."""
    sd = max(deviation(of), 1e-6)
    return np.exp(-(((x - float(of.mean)) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))


def dots(scene: Scene, size: Frame) -> tuple[Line, Line, Line]:
    """The values of the micro-batch: within the truth's bell, half of them fallen, all fallen.

    Every image has a row of its own on the floor. Of many values an even choice is drawn.
    """
    if scene.values is None or scene.truth is None:
        nothing = Line(np.zeros(0), np.zeros(0))
        return nothing, nothing, nothing
    images, places = scene.values.shape
    row = np.repeat(np.arange(images), places)
    x = scene.values.ravel()
    if x.size > MOST_DOTS:
        chosen = np.linspace(0, x.size - 1, MOST_DOTS).round().astype(int)
        row, x = row[chosen], x[chosen]
    inside = np.minimum(density(scene.truth, x), size.top)
    up = inside * (0.15 + 0.7 * ((np.arange(x.size) * 0.618) % 1))
    down = size.floor * (0.28 + 0.62 * (row + 0.5) / images)
    first = row < images / 2
    return Line(x, up), Line(x, np.where(first, down, up)), Line(x, down)


def key(time: float, line: Line | None = None, opacity: float | None = None) -> Dict:
    """One keyframe; what it does not say is as in the keyframe before."""
    made: Dict = {"t": time}
    if line is not None:
        made |= {"x": packed(line.x), "y": packed(line.y)}
    if opacity is not None:
        made["opacity"] = opacity
    return made
