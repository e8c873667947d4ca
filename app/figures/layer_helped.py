"""Who helped, layer by layer: in how many channels prior, micro-batch or their blend is nearest."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.figures.errors import UNITS, Moment, shown, told
from app.figures.layer_belief import colours
from app.figures.multiples import sparse
from app.figures.spec import Dict, Spec, axis, chip, layout, log_ticks, packed
from app.palette import Ink

PIXELS = 420.0  # about as wide as the figure is drawn
ANSWERS = (  # key, label, colour; from below
    ("prior", "prior alone is nearest", "@prior"),
    ("observation", "micro-batch alone is nearest", "@observation"),
    ("blend", "the blend beats both", "@posterior"),
)


class Helped(NamedTuple):
    """One layer: shares of channels as ANSWERS, and squared errors of the three estimates."""

    label: str
    shares: tuple[float, float, float]
    errors: Mapping[str, float]  # observation, prior, posterior


def helped(
    layers: Sequence[Helped], what: Moment, picked: str | None, ink: Ink, revision: str
) -> Spec:
    """Shares of channels as bars; below, the size of the errors against the micro-batch's.

    Args:
        layers: those with a prior, in order of execution.
        what: which moment.
        picked: label of the picked layer.
        ink: of the entrant.
        revision: name of the picture, zoom is kept under it.
    """
    moment = UNITS[what].name
    spec: Spec = {
        "title": "Who helped, prior or data?",
        "meaning": f"Above: share of channels by what is nearest to the true {moment}. Below: the "
        "layer's error over the micro-batch's; lower is better.",
        "tokens": colours(ink),
        "legend": [chip(key, label, color) for key, label, color in ANSWERS],
        "hint": "click a layer",
        "data": [],
        "layout": layout(revision),
        "empty": "" if layers else "No layer has a prior, so the micro-batch is on its own.",
    }
    if not layers:
        return spec
    labels = [one.label for one in layers]
    spec["data"] = [*bars(layers, labels), *ratios(layers, labels, what)]
    spec["layout"] = frame(labels, spec["data"][3:], picked, revision)
    spec["caption"] = f"Channels by what is nearest to the true {moment}, and errors"
    spec["table"] = {
        "columns": ["layer", *(label for _, label, _ in ANSWERS), "micro-batch", "prior",
                    "posterior"],
        "rows": [
            [one.label, *(f"{100 * share:.0f} %" for share in one.shares),
             *(told(what, float(shown(what, one.errors[name])))
               for name in ("observation", "prior", "posterior"))]
            for one in layers
        ],
        "picks": labels,
    }  # fmt: skip
    blend = float(np.mean([one.shares[2] for one in layers]))
    spec["label"] = f"The blend beats both in {100 * blend:.0f} % of the channels."
    return spec


def bars(layers: Sequence[Helped], labels: list[str]) -> list[Dict]:
    """Stacked shares."""
    places = packed(np.arange(len(layers)))
    return [
        {
            "type": "bar", "x": places, "y": packed([100 * one.shares[k] for one in layers]),
            "marker": {"color": f"{color}/0.85", "line": {"width": 0}}, "hovertext": labels,
            "hovertemplate": "%{hovertext}: %{y:.0f} %<extra>" + label + "</extra>",
            "meta": {"chips": [key], "picks": labels},
        }
        for k, (key, label, color) in enumerate(ANSWERS)
    ]  # fmt: skip


def ratios(layers: Sequence[Helped], labels: list[str], what: Moment) -> list[Dict]:
    """Root mean squared errors of prior and posterior over the micro-batch's, on a log axis."""
    places, traces = packed(np.arange(len(layers))), []
    for name, key, color, symbol in (
        ("prior", "prior", "@prior", "diamond"),
        ("posterior", "blend", "@posterior", "circle"),
    ):
        ratio = np.array([relative(one, name) for one in layers])
        words = [
            f"{one.label}: {name} off by {told(what, float(shown(what, one.errors[name])))}"
            for one in layers
        ]
        traces.append(
            {
                "type": "scatter", "mode": "markers", "x": places, "y": packed(ratio),
                "xaxis": "x2", "yaxis": "y2",
                "marker": {"color": color, "size": 9 if len(layers) <= 20 else 6,
                           "symbol": symbol},
                "hovertext": words,
                "hovertemplate": "%{hovertext}, %{y:.2f} of the micro-batch's<extra></extra>",
                "meta": {"chips": [key], "picks": labels},
                "range": [float(np.nanmin(ratio)), float(np.nanmax(ratio))],
            }
        )  # fmt: skip
    return traces


def relative(one: Helped, name: str) -> float:
    """Root of an error over the root of the micro-batch's."""
    seen = one.errors["observation"]
    return float(np.sqrt(one.errors[name] / seen)) if seen > 0 else float("nan")


def frame(labels: list[str], dots: list[Dict], picked: str | None, revision: str) -> Dict:
    """Two panels above each other with one axis of layers."""
    ends = [end for trace in dots for end in trace.pop("range") if np.isfinite(end) and end > 0]
    low, high = min([0.7, *ends]), max([1.4, *ends])
    along = {"range": [-0.6, len(labels) - 0.4], "fixedrange": True, "showgrid": False}
    every = sparse(labels, PIXELS)
    shapes = [
        {"type": "line", "xref": "x2 domain", "yref": "y2", "x0": 0, "x1": 1, "y0": 1, "y1": 1,
         "line": {"color": "@observation", "width": 1.6, "dash": "dash"}}
    ]  # fmt: skip
    if picked in labels:
        at = labels.index(picked)
        shapes += [
            {"type": "rect", "xref": f"x{n}", "yref": f"y{n} domain", "x0": at - 0.48,
             "x1": at + 0.48, "y0": 0, "y1": 1, "line": {"color": "@text", "width": 1.6}}
            for n in ("", "2")
        ]  # fmt: skip
    return layout(
        revision, hovermode="closest", barmode="stack", bargap=0.18, dragmode=False, shapes=shapes,
        xaxis=axis(anchor="y", showticklabels=False, **along),
        xaxis2=axis(anchor="y2", tickvals=list(range(0, len(labels), every)),
                    ticktext=labels[::every], tickangle=0, **along),
        yaxis=axis(title="channels, %", domain=[0.52, 1], range=[0, 100], tickvals=[0, 50, 100],
                   fixedrange=True, anchor="x"),
        yaxis2=axis(title="error ratio", domain=[0, 0.44], type="log", tickmode="array",
                    tickvals=log_ticks(np.array([low, high]), 4), exponentformat="none",
                    range=[np.log10(low) - 0.08, np.log10(high) + 0.08], fixedrange=True,
                    anchor="x2"),
    )  # fmt: skip
