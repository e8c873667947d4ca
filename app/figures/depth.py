"""By depth: how large activations and gradients are, and how well what is normalized is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.figures.multiples import heading, number, span, sparse
from app.figures.spec import Dict, Spec, axis, chip, factor_ticks, layout, line, log_ticks
from app.palette import Ink, Tokens

PIXELS = 270.0  # about as wide as a panel is drawn
LEAST = 640  # pixels, so that the words of neighbours stay apart
COLUMNS = 3
SMALL = 1e-3  # below, ticks are powers of ten
PANELS = (  # metric, heading, unit in the table, whether it is squared
    ("input_std", "input: deviation", "deviation of the input", False),
    ("gradient_norm", "gradient: norm", "norm of the gradient", False),
    ("output_mean_error", "output: mean off by", "mean of the output", True),
    ("input_mean", "input: mean", "mean of the input", False),
    ("update_ratio", "update over weights", "update over weights", False),
    ("output_var_error", "output: variance off by", "variance of the output off by", True),
)


class Profile(NamedTuple):
    """One entrant: metric -> value per layer, as the probe wrote them."""

    position: int
    ink: Ink
    values: Mapping[str, np.ndarray]


def depth(
    profiles: Sequence[Profile],
    layers: Sequence[str],
    tokens: Tokens,
    gap: str,
    picked: str | None,
    revision: str,
) -> Spec:
    """Six small panels over depth, a line per entrant.

    Args:
        profiles: of the entrants that were probed in full.
        layers: labels, from the first to the last.
        tokens: colours of the race.
        gap: a sentence about training and evaluation, HTML.
        picked: label of the picked layer.
        revision: name of the picture, zoom is kept under it.
    """
    spec: Spec = {
        "title": "What arrives at each depth?",
        "meaning": "By layer, for every method: what the normalizer gets, the gradient of the "
        "weights before it, and how far its output is from mean 0 and variance 1.",
        "tokens": tokens,
        "legend": [
            chip(f"e{p.position}", p.ink.label, f"@e{p.position}", f"@t{p.position}", p.ink.dash)
            for p in profiles
        ],
        "note": gap,
        "least": LEAST,
        "data": [],
        "layout": layout(revision),
        "empty": "" if profiles else "Nothing is known by depth: it takes a full probe.",
    }
    if not profiles:
        return spec
    frame = layout(revision, hovermode="closest", annotations=[], shapes=[],
                   margin={"l": 8, "r": 10, "t": 20, "b": 4})  # fmt: skip
    for index, (metric, words, _, squared) in enumerate(PANELS):
        n = number(index)
        drawn = [(p, as_read(p.values[metric], squared, metric)) for p in profiles
                 if metric in p.values]  # fmt: skip
        spec["data"] += [entrant_line(p, values, layers, n) for p, values in drawn]
        add_axes(frame, index, layers, [values for _, values in drawn], metric)
        frame["annotations"].append(heading(words, "@muted", index, COLUMNS))
        if picked in layers:
            at = layers.index(picked)
            frame["shapes"].append(
                {"type": "line", "xref": f"x{n}", "yref": f"y{n} domain", "x0": at, "x1": at,
                 "y0": 0, "y1": 1, "line": {"color": "@line", "width": 1.2, "dash": "dot"}}
            )  # fmt: skip
    spec["layout"] = frame
    spec["label"] = f"Lines by depth, for {len(profiles)} methods and {len(layers)} layers."
    spec["caption"] = "Sizes by layer and method"
    spec["table"] = table(profiles, layers)
    return spec


def as_read(values: np.ndarray, squared: bool, metric: str) -> np.ndarray:
    """Roots of squares; of squared logarithms the factor."""
    array = np.asarray(values, dtype=float)
    if not squared:
        return array
    return np.exp(np.sqrt(array)) if metric == "output_var_error" else np.sqrt(array)


def entrant_line(profile: Profile, values: np.ndarray, layers: Sequence[str], n: str) -> Dict:
    """One method in one panel."""
    position = profile.position
    return line(
        np.arange(len(layers)), np.where(values > 0, values, np.nan), f"@e{position}",
        dash=profile.ink.dash, width=2.0, name=profile.ink.label, chips=[f"e{position}"],
        xaxis=f"x{n}", yaxis=f"y{n}", hovertext=list(layers),
        hovertemplate=f"%{{hovertext}}: %{{y:.3g}}<extra>{profile.ink.label}</extra>",
    )  # fmt: skip


def add_axes(
    frame: Dict, index: int, layers: Sequence[str], values: list[np.ndarray], metric: str
) -> None:
    """Axes of one panel; sizes on a log axis."""
    n, (down, across) = number(index), divmod(index, COLUMNS)
    every = sparse(layers, PIXELS)
    known = np.concatenate([*values, np.empty(0)])
    known = known[np.isfinite(known) & (known > 0)]
    low, high = (known.min(), known.max()) if known.size else (1.0, 1.0)
    pad = 0.08 * max(np.log10(high / low), 0.3)
    small = "power" if high < SMALL else "none"
    ticks: Dict = {"tickvals": log_ticks(np.array([low, high]), 4), "exponentformat": small}
    if metric == "output_var_error":
        ticks = dict(zip(("tickvals", "ticktext"), factor_ticks(float(high)), strict=True))
        low = min(low, 1.0)
    frame[f"xaxis{n}"] = axis(
        domain=span(across, COLUMNS, 0.07), anchor=f"y{n}", range=[-0.4, len(layers) - 0.6],
        tickvals=list(range(0, len(layers), every)), ticktext=list(layers[::every]),
        tickangle=0, showgrid=False, fixedrange=True, showticklabels=down == 1,
    )  # fmt: skip
    frame[f"yaxis{n}"] = axis(
        type="log", tickmode="array", domain=span(1 - down, 2, 0.2), anchor=f"x{n}",
        range=[np.log10(low) - pad, np.log10(high) + pad], fixedrange=True, **ticks,
    )  # fmt: skip


def table(profiles: Sequence[Profile], layers: Sequence[str]) -> Dict:
    """A row per layer and method."""
    known = [
        [
            as_read(one.values[metric], squared, metric).tolist() if metric in one.values else None
            for metric, _, _, squared in PANELS
        ]
        for one in profiles
    ]
    rows = [
        [layer, one.ink.label, *(f"{values[at]:.3g}" if values else "" for values in columns)]
        for at, layer in enumerate(layers)
        for one, columns in zip(profiles, known, strict=True)
    ]
    return {"columns": ["layer", "method", *(unit for _, _, unit, _ in PANELS)], "rows": rows}
