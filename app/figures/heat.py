"""How wrong is each layer's variance: layer × method over time, as factors.

One heat map per method that estimates, side by side under one colour scale; what holds now is
written at the end of each row, so that the figure reads as a table too.
"""

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from app.figures.spec import (
    Dict,
    Spec,
    axis,
    layout,
    listed,
    packed,
    revision,
    waiting,
)
from app.palette import HEAT, HEAT_TOKENS, Ink, inks, tokens

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache

METRIC = "var_error_posterior"
TOP = 10.0  # ×10 and more share the last colour
MOST_ROWS = 12  # that can each carry words


def factor(values: np.ndarray | float) -> np.ndarray:
    """Average squared log ratio of variances -> the factor that people read."""
    return np.exp(np.sqrt(values))


def times(value: float) -> str:
    """×2.1, ×34; a dash where nothing is known."""
    if not np.isfinite(value):
        return "–"
    return f"×{value:.1f}" if value < 10 else f"×{value:.0f}" if value < 1e4 else "×∞"


def estimating(cache: "RaceCache") -> list[int]:
    """Positions of the entrants whose statistics estimate something."""
    cards = [experiment.method_card for experiment in cache.race.experiments]
    return [position for position, card in enumerate(cards) if card.estimates]


def latest_factors(cache: "RaceCache", position: int) -> dict[str, float]:
    """Layer -> factor at the latest probe; empty before the first."""
    heat = cache.heat(position, METRIC)
    return (
        dict(zip(heat.layers, factor(heat.values[:, -1]), strict=True)) if len(heat.steps) else {}
    )


def error_heat(cache: "RaceCache", selected_layer: str | None = None) -> Spec:
    """Factor by which the variance in use is off, per layer and method; rows can be picked."""
    drawn = inks(cache.race)
    shown = [p for p in estimating(cache) if len(cache.heat(p, METRIC).steps)]
    layers = cache.layers(shown[0]) if shown else []
    spec: Spec = {
        "title": "How wrong are the estimates?",
        "meaning": "Variance that normalizes, against the truth: factor it is off, by layer, "
        "step by step; now at the right.",
        "hint": "click a layer",
        "scale": {"stops": [[at, f"@{name}"] for at, name in HEAT],
                  "ends": ["exact", "×10"]},
        "tokens": tokens(cache.race, HEAT_TOKENS),
        "note": without_estimates(cache, drawn),
        "empty": "" if shown else nothing_yet(cache),
        "data": [],
        "layout": layout(revision(cache)),
    }  # fmt: skip
    if not shown:
        return spec
    columns = 3 if len(shown) in (3, 5, 6) else min(len(shown), 4)
    rows = -(-len(shown) // columns)
    frame = layout(
        revision(cache),
        hovermode="closest",
        dragmode=False,
        annotations=[],
        shapes=[],
        margin={"l": 16 + 7 * max(map(len, layers)), "r": 44, "t": 22, "b": 4},
    )
    for index, position in enumerate(shown):
        place = Place(
            number="" if index == 0 else str(index + 1),
            across=span(index % columns, columns, 0.085),
            down=span(rows - 1 - index // columns, rows, 0.24),
            first=index % columns == 0,
            bottom=index + columns >= len(shown),
        )
        spec["data"].append(heat_map(cache, position, place))
        add_panel(frame, cache, (position, drawn[position]), place, selected_layer)
    spec["layout"] = frame
    spec["table"] = table(cache, shown, drawn, layers)
    spec["label"] = in_words(cache, shown, drawn)
    return spec


class Place(NamedTuple):
    """Where one method's heat map stands among the others."""

    number: str  # of its axes: "", "2", "3" ...
    across: list[float]  # share of the width
    down: list[float]  # share of the height
    first: bool  # leftmost: carries the layers' names
    bottom: bool  # carries the name of the time axis


def span(index: int, count: int, gap: float) -> list[float]:
    """The share of the width (or height) that panel `index` of `count` takes."""
    size = (1 + gap) / count
    return [round(index * size, 4), round(index * size + size - gap, 4)]


def heat_map(cache: "RaceCache", position: int, place: Place) -> Dict:
    """One method's heat map: every column lasts from its probe to the next."""
    heat = cache.heat(position, METRIC)
    edges = np.append(heat.steps, max(cache.runs[position].step, heat.steps[-1] + 1))
    return {
        "type": "heatmap",
        "x": packed(edges),
        "y": heat.layers,
        "z": packed(factor(heat.values)),
        "zmin": 1,
        "zmax": TOP,
        "colorscale": [[(TOP**at - 1) / (TOP - 1), f"@{name}"] for at, name in HEAT],
        "showscale": False,
        "ygap": 2,
        "hoverongaps": False,
        "xaxis": f"x{place.number}",
        "yaxis": f"y{place.number}",
        "meta": {"picks": heat.layers, "entrant": position},
        "hovertemplate": "%{y}, step %{x}: ×%{z:.2f}<extra></extra>",
    }


def add_panel(
    frame: Dict, cache: "RaceCache", entrant: tuple[int, Ink], place: Place, selected: str | None
) -> None:
    """Axes, title, names of the layers, factors of now and the mark of the selected row."""
    position, ink = entrant
    now = latest_factors(cache, position)
    layers, n = list(now), place.number
    frame[f"xaxis{n}"] = axis(
        title="step" if place.bottom else "", domain=place.across, anchor=f"y{n}", nticks=5,
        fixedrange=True, showgrid=False, ticks="outside", ticklen=4, tickcolor="@line",
    )  # fmt: skip
    frame[f"yaxis{n}"] = axis(
        type="category", domain=place.down, anchor=f"x{n}", autorange="reversed",
        fixedrange=True, showgrid=False, showticklabels=False,
    )  # fmt: skip
    frame["annotations"].append(
        words(ink.label, f"@t{position}", x=0, xref=f"x{n} domain", xanchor="left", bold=True,
              y=1, yref=f"y{n} domain", yanchor="bottom", yshift=3)
    )  # fmt: skip
    sparse = -(-len(layers) // MOST_ROWS)
    for row, layer in enumerate(layers):
        if row % sparse and layer != selected:
            continue
        spot = {"y": layer, "yref": f"y{n}", "xref": f"x{n} domain", "bold": layer == selected,
                "captureevents": True, "name": f"{layer}|{position}"}  # fmt: skip
        frame["annotations"].append(
            words(times(now[layer]), "@text", x=1, xanchor="left", xshift=4, **spot)
        )
        if place.first:
            frame["annotations"].append(
                words(layer, "@text", x=0, xanchor="right", xshift=-5, **spot)
            )
    if selected in layers:
        row = layers.index(selected)
        frame["shapes"].append(
            {"type": "rect", "xref": f"x{n} domain", "yref": f"y{n}", "x0": 0, "x1": 1,
             "y0": row - 0.48, "y1": row + 0.48, "line": {"color": "@text", "width": 2}}
        )  # fmt: skip


def words(text: str, color: str, *, bold: bool = False, **place: Any) -> Dict:
    """An annotation without an arrow."""
    font = {"size": 12.5, "color": color, "weight": 700 if bold else 400}
    return {"text": text, "showarrow": False, "font": font, "borderpad": 1, **place}


def table(cache: "RaceCache", shown: list[int], drawn: list[Ink], layers: list[str]) -> Dict:
    """Factors of now: a row per layer, a column per method."""
    now = [latest_factors(cache, position) for position in shown]
    return {
        "columns": ["layer", *(drawn[position].label for position in shown)],
        "rows": [[la, *(times(float(one.get(la, np.nan))) for one in now)] for la in layers],
        "picks": layers,
    }


def in_words(cache: "RaceCache", shown: list[int], drawn: list[Ink]) -> str:
    """For those who cannot see the colours: each method's worst layer."""
    parts = []
    for position in shown:
        known = {la: v for la, v in latest_factors(cache, position).items() if np.isfinite(v)}
        if known:
            worst = max(known, key=lambda layer: known[layer])
            parts.append(f"{drawn[position].label} at most {times(known[worst])}, in {worst}")
    return f"Heat maps of the factor by layer and step. Now: {'; '.join(parts)}." if parts else ""


def without_estimates(cache: "RaceCache", drawn: list[Ink]) -> str:
    """One line about the methods that have nothing to estimate."""
    cards = [experiment.method_card for experiment in cache.race.experiments]
    names = [
        f"<b style='color:@t{position}'>{escape(drawn[position].label)}</b>"
        for position, card in enumerate(cards)
        if not card.estimates
    ]
    return f"{listed(names)}: per image, nothing to estimate." if names else ""


def nothing_yet(cache: "RaceCache") -> str:
    """Why there is no picture."""
    if not estimating(cache):
        return "None of these methods estimates anything from the batch, so nothing can be wrong."
    if cache.race.probe == "off":
        return "The probe is off, so no estimate is held against the truth."
    return waiting(cache, "The first probe follows after a few steps.")
