"""Values by layer, one line per entrant: from the first layer at the left to the last."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from app.figures.spec import Dict, Spec, axis, entrant_chips, layout, line, listed, log_ticks
from app.palette import inks, tokens
from bkn.experiment import Race

MOST_NAMES = 14  # of layers, that fit below the axis
Values = Mapping[str, float]  # by layer; not a number where there is none


def by_layer(
    race: Race,
    values: Mapping[int, Values],
    spreads: Mapping[int, Values] | None = None,
    reference: tuple[str, Values] | None = None,
    log: bool = True,
    unit: str = "",
) -> Spec:
    """Lines over the layers; titles and words are the caller's.

    Args:
        race: gives names and colours.
        values: by position of the entrant.
        spreads: half lengths of bars around the values.
        reference: a further line, dotted and grey, with its name.
        log: whether the scale of the values is logarithmic.
        unit: title of the axis.
    """
    layers = list(dict.fromkeys(layer for one in values.values() for layer in one))
    drawn = [(position, inks(race)[position]) for position in values]
    places = np.arange(1, len(layers) + 1)
    data, everything, now = [], [np.empty(0)], []
    if reference:
        name, line_of = reference
        level = along(layers, line_of)
        data.append(line(places, level, "@muted", dash="dot", width=1.4, name=name, mode="lines",
                         chips=["reference"], hovertemplate="%{y:.3g}"))  # fmt: skip
        everything.append(level)
    for position, ink in drawn:
        height = along(layers, values[position])
        trace = line(places, height, f"@e{position}", dash=ink.dash, name=ink.label,
                     chips=[f"e{position}"], mode="lines+markers",
                     hovertemplate="%{y:.3g}")  # fmt: skip
        everything.append(height)
        if spreads:
            trace["error_y"], ends = bars(height, along(layers, spreads[position]), log)
            everything += ends
        data.append(trace)
        if np.isfinite(height).any():
            now.append(f"{ink.label} {height[np.isfinite(height)][-1]:.3g}")
    chips = entrant_chips(drawn)
    if reference:
        chips.append({"id": "reference", "label": reference[0], "color": "@muted",
                      "text": "@text", "dash": "dot"})  # fmt: skip
    return {
        "data": data,
        "legend": chips,
        "tokens": tokens(race),
        "label": f"Lines by layer. At the last: {listed(now)}." if now else "",
        "layout": layout(
            f"by layer {unit}", xaxis=layer_axis(layers),
            yaxis=value_axis(np.concatenate(everything), unit, log),
        ),
        "table": table("layer", layers, {
            ink.label: along(layers, values[position]) for position, ink in drawn
        }),
        "empty": "" if now else "Nothing here is finite at these weights.",
    }  # fmt: skip


def along(layers: Sequence[str], values: Values) -> np.ndarray:
    """The values in the layers' order."""
    return np.array([values.get(layer, np.nan) for layer in layers], dtype=float)


def bars(height: np.ndarray, spread: np.ndarray, log: bool) -> tuple[Dict, list[np.ndarray]]:
    """Bars around values, and their ends; on a logarithmic scale they stay above nothing."""
    down = np.minimum(spread, 0.9 * height) if log else spread
    finite = [np.nan_to_num(one).tolist() for one in (spread, down)]
    return (
        {"type": "data", "array": finite[0], "arrayminus": finite[1], "thickness": 1, "width": 3},
        [height + spread, height - down],
    )


def layer_axis(layers: Sequence[str]) -> Dict:
    """The layers by name; of many, some."""
    shown = range(0, len(layers), max(1, -(-len(layers) // MOST_NAMES)))
    return axis(tickmode="array", tickvals=[i + 1 for i in shown], showgrid=False,
                ticktext=[layers[i] for i in shown], range=[0.5, len(layers) + 0.5],
                ticks="outside", ticklen=4, tickcolor="@line")  # fmt: skip


def value_axis(values: np.ndarray, unit: str, log: bool) -> Dict:
    """A scale that holds all values, with a margin."""
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if not values.size:
        return axis(title=unit)
    if log:
        low, high = np.log10(values.min()), np.log10(values.max())
        room = 0.06 * (high - low) + 0.05
        return axis(title=unit, type="log", range=[low - room, high + room], tickmode="array",
                    tickvals=log_ticks(values), exponentformat="power")  # fmt: skip
    room = 0.06 * (values.max() - values.min()) or 1.0
    return axis(title=unit, range=[values.min() - room, values.max() + room])


def table(first: str, names: Sequence[str], columns: Mapping[str, Iterable[float]]) -> Dict:
    """A table with a row per name and a column per entrant; a dash where there is no number."""
    cells = [[f"{v:.3g}" if np.isfinite(v) else "–" for v in one] for one in columns.values()]
    rows = [[name, *row] for name, *row in zip(names, *cells, strict=True)]
    return {"columns": [first, *columns], "rows": rows}
