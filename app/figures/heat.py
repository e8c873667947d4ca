"""How wrong is each layer's variance: layer × method over time, as factors.

One heat map per method that estimates, side by side under one colour scale; what holds now is
written at the end of each row, so that the figure reads as a table too.
"""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from app.figures.factors import METRIC, estimating, factor, latest_factors, nothing_yet, times
from app.figures.multiples import heading, headroom, note, number, span
from app.figures.spec import Dict, Spec, axis, layout, listed, packed, revision
from app.palette import HEAT, HEAT_TOKENS, Ink, inks, tokens

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache

TOP = 10.0  # ×10 and more share the last colour
MOST_ROWS = 12  # that can each carry words, in one row of panels
MOST_LOWER = 7  # in each of several rows of panels
LEAST, LEAST_PANEL = 110, 110  # pixels, so that numbers stay apart from the next heat map
NUMBERS = 0.1  # share of the width between two heat maps, for the numbers


@dataclass(frozen=True)
class Place:
    """Where one method's heat map stands among the others."""

    index: int
    columns: int  # heat maps in a row
    rows: int
    last: int  # index of the last one

    @property
    def across(self) -> list[float]:
        return span(self.index % self.columns, self.columns, NUMBERS)

    @property
    def down(self) -> list[float]:
        return span(self.rows - 1 - self.index // self.columns, self.rows, 0.3)

    @property
    def leftmost(self) -> bool:
        return self.index % self.columns == 0

    @property
    def lowest(self) -> bool:
        return self.index + self.columns > self.last


def error_heat(cache: "RaceCache", selected_layer: str | None = None) -> Spec:
    """Factor by which the variance in use is off, per layer and method; rows can be picked."""
    drawn = inks(cache.race)
    shown = [p for p in estimating(cache) if len(cache.heat(p, METRIC).steps)]
    spec: Spec = {
        "title": "How wrong are the estimates?",
        "meaning": "Variance that normalizes, against the truth: factor it is off, by layer, "
        "step by step; now at the right.",
        "hint": "click a layer",
        "scale": {"stops": [[at, f"@{name}"] for at, name in HEAT], "ends": ["exact", "×10"]},
        "tokens": tokens(cache.race, HEAT_TOKENS),
        "note": without_estimates(cache, drawn),
        "empty": "" if shown else nothing_yet(cache),
        "data": [],
        "layout": layout(revision(cache)),
    }
    if not shown:
        return spec
    columns = panels_across(len(shown))
    layers, labels = cache.layers(shown[0]), [drawn[position].label for position in shown]
    margin = {"l": 16 + 7 * max(map(len, layers)), "r": 44, "t": headroom(labels, columns), "b": 4}
    frame = layout(revision(cache), hovermode="closest", dragmode=False, annotations=[], shapes=[])
    frame["margin"] = margin
    for index, position in enumerate(shown):
        place = Place(index, columns, -(-len(shown) // columns), len(shown) - 1)
        spec["data"].append(heat_map(cache, position, place))
        add_panel(frame, place, latest_factors(cache, position), position, selected_layer)
        frame["annotations"].append(heading(labels[index], f"@t{position}", index, columns))
    spec["layout"] = frame
    spec["least"] = LEAST + LEAST_PANEL * columns
    spec["table"] = table(cache, shown, drawn, layers)
    spec["caption"] = "Factor by which the variance is off now"
    spec["label"] = in_words(cache, shown, drawn)
    return spec


def panels_across(count: int) -> int:
    """Heat maps side by side, so that rows are full or nearly so."""
    return 3 if count in (3, 5, 6) else min(count, 4)


def panel_rows(cache: "RaceCache") -> int:
    """Rows of heat maps that this race needs, once all methods that estimate are probed."""
    count = len(estimating(cache))
    return -(-count // panels_across(count)) if count else 1


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
        "ygap": 2 if len(heat.layers) <= MOST_ROWS else 0,
        "hoverongaps": False,
        "xaxis": f"x{number(place.index)}",
        "yaxis": f"y{number(place.index)}",
        "meta": {"picks": heat.layers, "entrant": position},
        "hovertemplate": "%{y}, about step %{x:.0f}: ×%{z:.2f}<extra></extra>",
    }


def add_panel(
    frame: Dict, place: Place, now: dict[str, float], position: int, selected: str | None
) -> None:
    """Axes, names of the layers, factors of now and the mark of the selected row."""
    layers, n = list(now), number(place.index)
    frame[f"xaxis{n}"] = axis(
        title="step" if place.lowest else "", domain=place.across, anchor=f"y{n}", nticks=5,
        fixedrange=True, showgrid=False, ticks="outside", ticklen=4, tickcolor="@line",
    )  # fmt: skip
    frame[f"yaxis{n}"] = axis(
        type="category", domain=place.down, anchor=f"x{n}", autorange=False,
        # A fixed range: "reversed" flips back when a live figure is drawn anew.
        range=[len(layers) - 0.5, -0.5], categoryorder="array", categoryarray=layers,
        fixedrange=True, showgrid=False, showticklabels=False, ticks="",
    )  # fmt: skip
    sparse = -(-len(layers) // (MOST_ROWS if place.rows == 1 else MOST_LOWER))
    chosen = layers.index(selected) if selected in layers else None
    for row, layer in enumerate(layers):
        crowded = chosen is not None and 0 < abs(row - chosen) < sparse
        if layer != selected and (row % sparse or crowded):
            continue
        spot: Dict = {
            "y": layer, "yref": f"y{n}", "xref": f"x{n} domain", "bold": layer == selected,
            "captureevents": True, "name": f"{layer}|{position}",
        }  # fmt: skip
        frame["annotations"].append(
            note(times(now[layer]), "@text", x=1, xanchor="left", xshift=4, **spot)
        )
        if place.leftmost:
            frame["annotations"].append(
                note(layer, "@text", x=0, xanchor="right", xshift=-5, **spot)
            )
    if chosen is not None:
        frame["shapes"].append(
            {"type": "rect", "xref": f"x{n} domain", "yref": f"y{n}", "x0": 0, "x1": 1,
             "y0": chosen - 0.48, "y1": chosen + 0.48, "line": {"color": "@text", "width": 2}}
        )  # fmt: skip


def table(cache: "RaceCache", shown: list[int], drawn: list[Ink], layers: list[str]) -> Dict:
    """Factors of now: a row per layer, a column per method."""
    now = [latest_factors(cache, position) for position in shown]
    return {
        "columns": ["layer", *(drawn[position].label for position in shown)],
        "rows": [[la, *(times(one.get(la, np.nan)) for one in now)] for la in layers],
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
    return f"{listed(names)}: no batch statistics, nothing to estimate." if names else ""
