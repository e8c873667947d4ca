"""The map of a network: which layer is how wrong, and what leads where."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from app.figures.errors import UNITS, Moment, colors, key, told
from app.figures.map_layout import GAP, HALF, ROOMY, TITLE, WIDE, WIDTH, MapLayout, Spot
from app.figures.spec import Dict, Spec, layout, packed
from app.palette import HEAT_TOKENS

PIXELS = 940.0  # about as wide as the figure is drawn
LEAST = 640  # pixels of a short network, so that its words stay apart
FRAME = 92  # pixels of a panel that are not its plot
SYMBOLS = {
    "conv": ("square", 8), "linear": ("square", 8), "pool": ("triangle-down", 10),
    "input": ("circle-open", 9), "output": ("circle-open", 9), "add": ("circle-cross-open", 14),
    "multiply": ("circle-x-open", 14), "cat": ("diamond-open", 12),
}  # fmt: skip


def height(drawn: MapLayout) -> int:
    """Pixels that the whole panel needs."""
    return round(drawn.height) + FRAME


def network_map(
    drawn: MapLayout,
    errors: Mapping[str, float],
    what: Moment,
    source: str,
    picked: str | None,
    revision: str,
    hover: Mapping[str, str] | None = None,
    note: str = "",
) -> Spec:
    """Draw a network with its normalizers coloured by an error; they can be picked.

    Args:
        drawn: from `arrange`.
        errors: by layer, as factors or deviations; what is missing or not finite stays empty.
        what: which moment the errors are of.
        source: which estimate, in words: "posterior".
        picked: label of the picked layer.
        revision: name of the picture, zoom is kept under it.
        hover: more about a layer, a line of HTML each.
        note: a line below the map.
    """
    unit = drawn_unit(drawn)
    labels = [spot.node["label"] for spot in drawn.norms]
    values = np.array([errors.get(label, np.nan) for label in labels], dtype=float)
    known = [label for label, value in zip(labels, values, strict=True) if np.isfinite(value)]
    worst = max(known, key=lambda label: errors[label], default=None)
    return {
        "title": "Which layer is worst?",
        "meaning": f"Squares: normalizers, by the error of the {source}'s {UNITS[what].name}. "
        "Small: convolutions; ⊕: a shortcut is added.",
        "hint": "click a layer",
        "scale": key(what),
        "label": "" if worst is None else f"Worst: {worst}, off by {told(what, errors[worst])}.",
        "caption": f"Error of the {source}'s {UNITS[what].name}",
        "data": [
            *connections(drawn),
            others(drawn),
            squares(drawn.norms, values, what, unit, hover or {}),
            *([mark(drawn, picked, unit)] if picked in labels else []),
        ],
        "layout": frame(drawn, revision, unit, values, what, picked),
        "tokens": HEAT_TOKENS,
        "note": note,
        "least": LEAST if drawn.width <= ROOMY else PIXELS,
        "table": {
            "columns": ["layer", "values", UNITS[what].axis],
            "rows": [
                [label, size(spot), told(what, value)]
                for label, spot, value in zip(labels, drawn.norms, values, strict=True)
            ],
            "picks": labels,
        },
    }


def drawn_unit(drawn: MapLayout) -> float:
    """Pixels of a unit."""
    return PIXELS / max(drawn.width, 8.0)


def size(spot: Spot) -> str:
    """32×8×8."""
    return "×".join(map(str, spot.node["shape"]))


def connections(drawn: MapLayout) -> list[Dict]:
    """What leads where; shortcuts in a stronger line."""
    traces = []
    for skip, color, width in ((False, "@line/0.55", 1.2), (True, "@line", 1.4)):
        paths = [path for path in drawn.paths if path.skip == skip]
        x = [value for path in paths for value in (*path.x, np.nan)]
        y = [value for path in paths for value in (*path.y, np.nan)]
        traces.append(
            {"type": "scatter", "mode": "lines", "x": packed(x), "y": packed(y),
             "line": {"color": color, "width": width}, "hoverinfo": "skip", "meta": {}}
        )  # fmt: skip
    return traces


def others(drawn: MapLayout) -> Dict:
    """Everything that is no normalizer."""
    spots = [spot for spot in drawn.spots if spot.node["kind"] != "norm"]
    drawn_as = [SYMBOLS[spot.node["kind"]] for spot in spots]
    return {
        "type": "scatter", "mode": "markers",
        "x": packed([spot.x for spot in spots]), "y": packed([spot.y for spot in spots]),
        "marker": {"symbol": [symbol for symbol, _ in drawn_as], "color": "@muted",
                   "size": [pixels for _, pixels in drawn_as], "opacity": 1,
                   "line": {"width": 1.2, "color": "@muted"}},
        "hovertext": [f"{escape(spot.node['title'])}<br>{size(spot)}" for spot in spots],
        "hovertemplate": "%{hovertext}<extra></extra>", "meta": {},
    }  # fmt: skip


def side(unit: float) -> float:
    """Pixels of a normalizer's square."""
    return min(2 * HALF - 3, max(8.0, 0.86 * unit))


def squares(
    norms: Sequence[Spot], values: np.ndarray, what: Moment, unit: float, hover: Mapping[str, str]
) -> Dict:
    """The normalizers; one without an error is a hollow square."""
    scale, known = UNITS[what], np.isfinite(values)
    labels = [spot.node["label"] for spot in norms]
    return {
        "type": "scatter", "mode": "markers",
        "x": packed([spot.x for spot in norms]), "y": packed([spot.y for spot in norms]),
        "marker": {
            "symbol": ["square" if one else "square-open" for one in known],
            "size": side(unit), "opacity": 1, "line": {"width": 1, "color": "@line"},
            "color": packed(np.where(known, np.clip(values, scale.low, scale.high), scale.low)),
            "cmin": scale.low, "cmax": scale.high, "colorscale": colors(what),
        },
        "hovertext": [
            f"<b>{escape(label)}</b>, {size(spot)}<br>{hover.get(label, '')}"
            for label, spot in zip(labels, norms, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "meta": {"picks": labels},
    }  # fmt: skip


def mark(drawn: MapLayout, picked: str | None, unit: float) -> Dict:
    """A frame around the picked layer."""
    spot = next(spot for spot in drawn.norms if spot.node["label"] == picked)
    return {
        "type": "scatter", "mode": "markers", "x": packed([spot.x]), "y": packed([spot.y]),
        "marker": {"symbol": "square-open", "size": side(unit) + 9, "color": "@text",
                   "line": {"width": 2.4, "color": "@text"}},
        "hoverinfo": "skip", "meta": {},
    }  # fmt: skip


def frame(
    drawn: MapLayout, revision: str, unit: float, values: np.ndarray, what: Moment,
    picked: str | None,
) -> Dict:  # fmt: skip
    """Axes without ticks, blocks behind, words where there is room for them."""
    plain = {"visible": False, "fixedrange": True, "autorange": False}
    titled = {spot.node["block"] for spot in drawn.spots} - {""}
    roomy = drawn.room is WIDE
    words = [*block_titles(drawn, unit), *(shapes_told(drawn, unit) if roomy else [])]
    for spot, value in zip(drawn.norms, values, strict=True):
        label = spot.node["label"]
        if unit >= 18:
            words.append(
                word(told(what, value), spot.x, spot.y + HALF + 11, "@text", bold=label == picked)
            )
        name = label.removeprefix(f"{spot.node['block']}.")
        if roomy and label not in titled and not spot.node["row"]:
            words.append(word(name, spot.x, spot.y - HALF - drawn.room.name / 2, "@muted"))
    return layout(
        revision, hovermode="closest", dragmode=False, hoverdistance=14,
        margin={"l": 4, "r": 4, "t": 2, "b": 2}, annotations=words, shapes=blocks(drawn),
        xaxis=plain | {"range": [-0.15, max(drawn.width, 8.0) + 0.15]},
        yaxis=plain | {"range": [drawn.height, 0]},
    )  # fmt: skip


def blocks(drawn: MapLayout) -> list[Dict]:
    """Frames behind the blocks."""
    return [
        {"type": "rect", "x0": box.x0, "x1": box.x1, "y0": box.y0, "y1": box.y1, "layer": "below",
         "fillcolor": "@grid/0.35", "line": {"color": "@grid", "width": 1}}
        for box in drawn.boxes
    ]  # fmt: skip


def block_titles(drawn: MapLayout, unit: float) -> list[Dict]:
    """Names on top of the frames, cut to their width; in a dense map with shapes that change."""
    words, last = [], ""
    for box in drawn.boxes:
        letters, y = int((box.x1 - box.x0) * unit / 6.4), box.y0 + TITLE / 2 + 1
        if letters >= 3:
            title = box.title if len(box.title) <= letters else f"…{box.title[1 - letters :]}"
            words.append(word(title, box.x0 + 0.1, y, "@muted", "left"))
        shape = "×".join(map(str, box.shape))
        if drawn.room is not WIDE and shape != last and len(box.title + shape) + 2 <= letters:
            words.append(word(shape, box.x1 - 0.1, y, "@muted", "right"))
            last = shape
    return words


def shapes_told(drawn: MapLayout, unit: float) -> list[Dict]:
    """Shapes at the bottom where they change along the main path, as far as there is room."""
    words: list[Dict] = []
    told_last, free = None, 0.0
    for spot in drawn.spots:
        shape = spot.node["shape"]
        if spot.node["row"] or spot.node["kind"] in ("output", "linear") or shape == told_last:
            continue
        wide = (6.2 * len(size(spot)) + 6) / unit
        left = min(spot.x - WIDTH[spot.node["kind"]] / 2, drawn.width - wide)
        if left >= free:
            words.append(word(size(spot), left, drawn.floors[0] - 9, "@muted", "left"))
            told_last, free = shape, left + wide + GAP / 2
    return words


def word(
    text: str, x: float, y: float, color: str, anchor: str = "center", bold: bool = False
) -> Dict:
    """A small text in the map."""
    return {
        "text": escape(text), "x": x, "y": y, "showarrow": False, "xanchor": anchor,
        "yanchor": "middle", "borderpad": 0,
        "font": {"size": 11, "color": color, "weight": 700 if bold else 400},
    }  # fmt: skip
