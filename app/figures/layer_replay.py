"""What if the gain were another one: the error of the posterior over q, open loop."""

from typing import NamedTuple

import numpy as np

from app.figures.errors import UNITS, Moment, told
from app.figures.layer_belief import colours
from app.figures.multiples import heading, number, span
from app.figures.spec import Dict, Spec, axis, chip, factor_ticks, layout, log_ticks, packed
from app.palette import Ink


class WhatIf(NamedTuple):
    """Errors over the gain of one moment, as people read them."""

    what: Moment
    gains: np.ndarray  # (Q,)
    errors: np.ndarray  # (Q,) factors or deviations
    best: float
    used: float

    def at(self, gain: float) -> float:
        """The error at a gain, between those that were tried."""
        return float(np.interp(gain, self.gains, self.errors))


def replay(curves: list[WhatIf], q: float, ink: Ink, layer: str, revision: str) -> Spec:
    """A curve per moment with its minimum, the gain in use and the chosen one marked.

    Args:
        curves: of mean and variance, as far as the layer's update can be repeated.
        q: the chosen gain.
        ink: of the entrant.
        layer: its label.
        revision: name of the picture, zoom is kept under it.
    """
    spec: Spec = {
        "title": f"What if the gain were {q:.2f}?",
        "meaning": "Error of the posterior over the gain: 0 is the prior alone, 1 the micro-batch "
        "alone.",
        "tokens": colours(ink),
        "legend": [
            chip("chosen", "this q", "@text", dash="dot"),
            chip("used", "in use", "@posterior"),
            chip("best", "best, with hindsight", "@muted"),
        ],
        "note": "Open loop: only this layer's update is repeated on what it saw; in a real run the "
        "layers above would have changed too.",
        "data": [],
        "layout": layout(revision),
        "empty": "" if curves else "Nothing is blended here: no prior, or no rule to repeat.",
    }
    if not curves:
        return spec
    frame = layout(revision, hovermode="closest", annotations=[], shapes=[],
                   margin={"l": 8, "r": 10, "t": 22, "b": 4})  # fmt: skip
    for index, curve in enumerate(curves):
        n = number(index)
        spec["data"] += traces(curve, q, n)
        add_axes(frame, curve, index, len(curves), q)
        name = f"{UNITS[curve.what].name}: {told(curve.what, curve.at(q))} off"
        frame["annotations"].append(heading(name, "@text", index, len(curves)))
    spec["layout"] = frame
    spec["label"] = " ".join(in_words(curve, q) for curve in curves)
    spec["caption"] = f"Error of {layer}'s posterior by gain"
    spec["table"] = {
        "columns": ["gain", *(UNITS[one.what].axis for one in curves)],
        "rows": [
            [f"{gain:.2f}", *(told(one.what, float(one.errors[at])) for one in curves)]
            for at, gain in enumerate(curves[0].gains)
        ],
    }
    return spec


def traces(curve: WhatIf, q: float, n: str) -> list[Dict]:
    """The line and its three marks."""
    axes: Dict = {"xaxis": f"x{n}", "yaxis": f"y{n}"}
    hover = "×%{y:.2f}" if curve.what == "var" else "%{y:.3f} σ"
    drawn = [
        axes | {
            "type": "scatter", "mode": "lines", "x": packed(curve.gains),
            "y": packed(curve.errors), "line": {"color": "@muted", "width": 2}, "meta": {},
            "hovertemplate": f"q %{{x:.2f}}: {hover}<extra></extra>",
        }
    ]  # fmt: skip
    for key, gain, color, symbol, size in (
        ("best", curve.best, "@muted", "star", 13),
        ("used", curve.used, "@posterior", "circle", 11),
        ("chosen", q, "@text", "circle-open", 13),
    ):
        drawn.append(
            axes | {
                "type": "scatter", "mode": "markers", "x": packed([gain]),
                "y": packed([curve.at(gain)]), "name": key,
                "marker": {"color": color, "symbol": symbol, "size": size, "line": {"width": 2.2}},
                "meta": {"chips": [key]}, "cliponaxis": False,
                "hovertemplate": f"{key}: q %{{x:.2f}}, {hover}<extra></extra>",
            }
        )  # fmt: skip
    return drawn


def add_axes(frame: Dict, curve: WhatIf, index: int, count: int, q: float) -> None:
    """Axes of one panel, logarithmic in the error, and a line at the chosen gain."""
    n = number(index)
    low, high = float(curve.errors.min()), float(curve.errors.max())
    low, high = max(low, 1e-6), max(high, 1e-6)
    if curve.what == "var":
        ticks, labels = factor_ticks(high)
        upward = axis(tickvals=ticks, ticktext=labels)
    else:
        upward = axis(tickvals=log_ticks(np.array([low, high]), 4), exponentformat="none",
                      ticksuffix=" σ")  # fmt: skip
    pad = 0.06 * max(np.log10(high / low), 0.1)
    frame[f"yaxis{n}"] = upward | {
        "type": "log", "tickmode": "array", "anchor": f"x{n}", "fixedrange": True,
        "range": [np.log10(low) - pad, np.log10(high) + pad],
    }  # fmt: skip
    frame[f"xaxis{n}"] = axis(
        title="gain q", domain=span(index, count, 0.14), anchor=f"y{n}", range=[-0.03, 1.03],
        tickvals=[0, 0.25, 0.5, 0.75, 1], fixedrange=True,
    )  # fmt: skip
    frame["shapes"].append(
        {"type": "line", "xref": f"x{n}", "yref": f"y{n} domain", "x0": q, "x1": q, "y0": 0,
         "y1": 1, "line": {"color": "@text", "width": 1.2, "dash": "dot"}}
    )  # fmt: skip


def in_words(curve: WhatIf, q: float) -> str:
    """One curve for those who cannot see it."""
    return (
        f"{UNITS[curve.what].name.capitalize()}: off by {told(curve.what, curve.at(q))} at "
        f"{q:.2f}, least at {curve.best:.2f} ({told(curve.what, curve.at(curve.best))}), in use "
        f"{curve.used:.2f} ({told(curve.what, curve.at(curve.used))})."
    )
