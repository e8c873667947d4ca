"""One channel of one layer: what its values are like, and what the layer believes about them."""

from typing import NamedTuple

import numpy as np

from app.figures.spec import Dict, Spec, axis, chip, layout, listed, packed
from app.palette import ROLES, Ink, Tokens
from bkn.replay import Moments
from bkn.snapshot import BINS, SPAN, LayerArrays

WIDEST = 6.5  # deviations of the truth that the picture reaches at the most
STEEPEST = 3.0  # times the truth's own peak that a curve may reach before it is cut
POINTS = 57  # of a curve
REACH = 3.4  # deviations to each side that a curve is drawn


class Curve(NamedTuple):
    """One belief about a channel, as a Gaussian."""

    key: str  # of its chip
    label: str
    color: str
    dash: str
    width: float
    mean: float
    var: float

    @property
    def known(self) -> bool:
        return bool(np.isfinite(self.mean) and np.isfinite(self.var) and self.var > 0)

    @property
    def deviation(self) -> float:
        return float(np.sqrt(self.var))

    @property
    def peak(self) -> float:
        return float(1 / np.sqrt(2 * np.pi * self.var))


def colours(ink: Ink) -> Tokens:
    """What the posterior, which is in use, is drawn in: the entrant's colour."""
    return ROLES | {"posterior": ink.line, "said": ink.text}


def curves(
    arrays: LayerArrays,
    channel: int,
    group: int,
    uses_prior: bool,
    replayed: Moments | None = None,
    q: float = 0.0,
) -> list[Curve]:
    """The beliefs about a channel that are drawn in full, the truth first.

    Args:
        arrays: of the layer.
        channel: its position among the kept ones.
        group: position of the micro-batch whose belief is looked at.
        uses_prior: whether the method blends; if not, what it sees is what it uses.
        replayed: what another gain would have made of them, (K, C).
        q: that gain.
    """

    def one(key: str, label: str, color: str, dash: str, width: float, name: str) -> Curve:
        if f"{name}_mean" not in arrays:
            return Curve(key, label, color, dash, width, np.nan, np.nan)
        mean, var = arrays[f"{name}_mean"], arrays[f"{name}_var"]
        at = (group, channel) if mean.ndim == 2 else (channel,)
        return Curve(key, label, color, dash, width, float(mean[at]), float(var[at]))

    seen = "micro-batch" if uses_prior else "micro-batch, in use"
    found = [
        one("truth", "truth", "@text", "solid", 1.3, "truth"),
        one("running", "running", "@muted", "longdashdot", 1.6, "running"),
        one("observation", seen, "@observation", "dash", 2.4, "seen"),
    ]
    if uses_prior:
        found.append(one("prior", "prior", "@prior", "dot", 2.6, "prior"))
        found.append(one("posterior", "posterior, in use", "@posterior", "solid", 3.2, "posterior"))
    if replayed is not None:
        at = group, channel
        mean, var = float(replayed.mean[at]), float(replayed.var[at])
        found.append(Curve("replay", f"if q = {q:.2f}", "@posterior", "dot", 2.0, mean, var))
    return [curve for curve in found if curve.known]


def belief(
    arrays: LayerArrays,
    drawn: list[Curve],
    channel: int,
    group: int,
    ink: Ink,
    title: str,
    revision: str,
) -> Spec:
    """The truth's histogram with the beliefs over it.

    Args:
        arrays: of the layer, fields as bkn.snapshot names them.
        drawn: from `curves`, the truth first.
        channel: position among the kept ones.
        group: position of the micro-batch looked at; the others are drawn faintly.
        ink: of the entrant.
        title: the question.
        revision: name of the picture, zoom is kept under it.
    """
    if not drawn or drawn[0].key != "truth":
        return {"title": title, "data": [], "layout": layout(revision), "tokens": colours(ink),
                "empty": "This channel does not vary: there is nothing to estimate."}  # fmt: skip
    truth = drawn[0]
    density, beyond = histogram(arrays, channel, truth)
    faint = [
        *others(arrays, channel, group, "seen", "@observation/0.45"),
        *others(arrays, channel, group, "posterior", "@posterior/0.4"),
    ] if len(drawn) > 2 else []  # fmt: skip
    chips = [chip("bars", "values", "@muted/0.5")]
    chips += [chip(c.key, c.label, c.color, dash=c.dash) for c in drawn]
    if faint:
        chips.append(chip("others", "the others", "@observation/0.45"))
    told = [f"{c.label} {c.mean:.3g} ± {c.deviation:.3g}" for c in drawn]
    return {
        "title": title,
        "meaning": "Bars: what all probe images send into the layer. Curves: what is believed.",
        "label": f"Mean and deviation: {listed(told)}.",
        "caption": "Mean and deviation of the layer's input",
        "data": [bars_of(density, truth), *faint, *map(line_of, drawn)],
        "layout": layout(
            revision, hovermode="closest", bargap=0,
            xaxis=axis(title="input of the layer", range=reach(drawn), showgrid=False,
                       ticks="outside", ticklen=4, tickcolor="@line", nticks=8),
            yaxis=axis(title="density", range=[0, ceiling(drawn, density)], nticks=4,
                       showticklabels=False),
        ),
        "legend": chips,
        "tokens": colours(ink),
        "table": {
            "columns": ["", "mean", "deviation"],
            "rows": [[c.label, f"{c.mean:.4g}", f"{c.deviation:.4g}"] for c in drawn],
        },
        "note": f"{100 * beyond:.2g} % of the values lie beyond the bars." if beyond > 5e-4 else "",
    }  # fmt: skip


def histogram(arrays: LayerArrays, channel: int, truth: Curve) -> tuple[np.ndarray, float]:
    """Densities of the bins, and the share of values beyond them."""
    share = np.asarray(arrays["histogram"][:, channel], dtype=float)
    return share[1:-1] * BINS / (2 * SPAN * truth.deviation), float(share[0] + share[-1])


def bars_of(density: np.ndarray, truth: Curve) -> Dict:
    """The histogram as bars."""
    middles = truth.mean + truth.deviation * SPAN * (2 * (np.arange(BINS) + 0.5) / BINS - 1)
    return {
        "type": "bar", "x": packed(middles), "y": packed(density), "name": "values",
        "width": 2 * SPAN * truth.deviation / BINS, "meta": {"chips": ["bars"]},
        "marker": {"color": "@muted/0.28", "line": {"width": 0}},
        "hovertemplate": "%{x:.3g}: density %{y:.3g}<extra>values</extra>",
    }  # fmt: skip


def points(mean: np.ndarray, var: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians as points (..., POINTS) each."""
    sd = np.sqrt(var)[..., None]
    z = np.linspace(-REACH, REACH, POINTS)
    return mean[..., None] + sd * z, np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sd)


def line_of(curve: Curve) -> Dict:
    """A belief as a line."""
    x, y = points(np.array(curve.mean), np.array(curve.var))
    return {
        "type": "scatter", "mode": "lines", "x": packed(x), "y": packed(y), "name": curve.label,
        "line": {"color": curve.color, "width": curve.width, "dash": curve.dash},
        "meta": {"chips": [curve.key]},
        "hovertemplate": f"mean {curve.mean:.3g}, deviation {curve.deviation:.3g}"
        f"<extra>{curve.label}</extra>",
    }  # fmt: skip


def others(
    arrays: LayerArrays, channel: int, group: int, name: str, color: str
) -> list[Dict]:  # fmt: skip
    """The same belief of the other kept micro-batches, faintly, as one trace."""
    if f"{name}_mean" not in arrays:
        return []
    mean = np.delete(np.asarray(arrays[f"{name}_mean"][:, channel], dtype=float), group)
    var = np.delete(np.asarray(arrays[f"{name}_var"][:, channel], dtype=float), group)
    known = np.isfinite(mean) & (var > 0)
    if not known.any():
        return []
    x, y = points(mean[known], var[known])
    gap = np.full((len(x), 1), np.nan)
    return [
        {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "meta": {"chips": ["others"]},
         "x": packed(np.hstack([x, gap]).ravel()), "y": packed(np.hstack([y, gap]).ravel()),
         "line": {"color": color, "width": 1}}
    ]  # fmt: skip


def reach(drawn: list[Curve]) -> list[float]:
    """From the leftmost to the rightmost thing worth seeing, never beyond WIDEST."""
    truth = drawn[0]
    low = min([truth.mean - 4 * truth.deviation, *(c.mean - 2.6 * c.deviation for c in drawn)])
    high = max([truth.mean + 4 * truth.deviation, *(c.mean + 2.6 * c.deviation for c in drawn)])
    far = WIDEST * truth.deviation
    return [max(low, truth.mean - far), min(high, truth.mean + far)]


def ceiling(drawn: list[Curve], density: np.ndarray) -> float:
    """Top of the picture: the highest curve, but not one so narrow that it would dwarf the rest."""
    most = STEEPEST * drawn[0].peak
    return 1.06 * min(most, max(*(curve.peak for curve in drawn), float(density.max())))
