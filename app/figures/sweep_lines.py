"""Accuracy along one axis of a sweep, a line per method: means, intervals over seeds, every run."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np

from app.batch_size.table import Axis, Cell, Place, Table
from app.figures.spec import Dict, Spec, axis, entrant_chips, layout, listed, packed, percent
from app.palette import Ink, inks, tokens

SPREAD = 0.34  # share of the distance between two places that all methods' whiskers take
WIDEST = 0.09  # share of it between two methods
TOP = 100.5  # %, so that the highest mark is whole
LEAST = 4.0  # points of accuracy that the axis always spans
NAMES = {"micro_batch": "m", "lr": "learning rate"}
Scale = Callable[[Any], float]  # where a value of the axis lies


def lines(
    table: Table, along: Axis, at: Place, scale: Scale, picked_out: Sequence[Cell] = ()
) -> Spec:
    """Lines of the test accuracy in %; titles, meaning and the axis below are the caller's.

    Args:
        table: of the sweep.
        along: the axis below.
        at: the place whose other coordinates hold.
        scale: where a value of that axis lies.
        picked_out: cells whose marks are open.
    """
    drawn = inks(table.experiments)
    rows = [table.along(along, entrant, at) for entrant in table.entrants]
    places = np.array([scale(value) for value in table.values_of(along)])
    step = float(np.diff(places).min()) if len(places) > 1 else 1.0
    shifts = step * dodge(len(rows))
    behind: list[Dict] = []
    front: list[Dict] = []
    for position, (cells, ink) in enumerate(zip(rows, drawn, strict=True)):
        x = places + shifts[position]
        behind += dots(cells, x, position, ink, along)
        front += means(cells, x, position, ink, along, picked_out)
    return {
        "data": behind + front,
        "legend": entrant_chips(enumerate(drawn)),
        "tokens": tokens(table.experiments),
        "layout": layout(
            f"{table.sweep_id} {along} {tuple(at)}", hovermode="closest",
            yaxis=axis(title="test accuracy, %", range=height(rows), nticks=7),
        ),
        "label": in_words(rows, drawn, along),
        "table": as_table(table, rows, drawn, along),
        "caption": "Mean test accuracy in %, 95 % interval over seeds in brackets",
        "empty": "" if front else "The first points appear when the first runs end.",
    }  # fmt: skip


def dodge(count: int) -> np.ndarray:
    """Shifts that keep the whiskers of methods at one place apart, around 0."""
    step = min(WIDEST, SPREAD / max(count - 1, 1))
    return step * (np.arange(count) - (count - 1) / 2)


def means(
    cells: Sequence[Cell], x: np.ndarray, position: int, ink: Ink, along: Axis,
    picked_out: Sequence[Cell],
) -> list[Dict]:  # fmt: skip
    """The line through the means, with whiskers where there are at least two seeds."""
    y = np.array([np.nan if cell.mean is None else 100 * cell.mean for cell in cells])
    if not np.isfinite(y).any():
        return []
    up, down = whiskers(cells)
    return [
        {
            "type": "scatter", "mode": "lines+markers", "x": packed(x), "y": packed(y),
            "line": {"color": f"@e{position}", "width": 2.2, "dash": ink.dash},
            "marker": {
                "size": 8, "color": f"@e{position}",
                "symbol": ["circle-open" if cell in picked_out else "circle" for cell in cells],
                "line": {"width": 2, "color": f"@e{position}"},
            },
            "error_y": {"type": "data", "array": up, "arrayminus": down, "symmetric": False,
                        "color": f"@e{position}", "thickness": 1.4, "width": 4},
            "text": [told(cell, ink, along) for cell in cells],
            "hovertemplate": "%{text}<extra></extra>", "connectgaps": False, "name": ink.label,
            "meta": {"chips": [f"e{position}"], "picks": [opened(cell) for cell in cells]},
        }
    ]  # fmt: skip


def dots(cells: Sequence[Cell], x: np.ndarray, position: int, ink: Ink, along: Axis) -> list[Dict]:
    """Every run, faint; a cross where it diverged. A click opens it."""
    found = [
        (at, 100 * one.accuracy, one)
        for cell, at in zip(cells, x, strict=True)
        if len(cell.values) > 1
        for one in cell.results
        if one.accuracy is not None and np.isfinite(one.accuracy)
    ]
    if not found:
        return []
    across, up, runs = zip(*found, strict=True)
    return [
        {
            "type": "scatter", "mode": "markers", "x": packed(across), "y": packed(up),
            "marker": {
                "size": [7 if one.status == "diverged" else 5 for one in runs],
                "color": f"@e{position}", "opacity": 0.38, "line": {"width": 0},
                "symbol": ["x" if one.status == "diverged" else "circle" for one in runs],
            },
            "text": [
                f"{ink.label}, {spot(one.job.experiment, along)}, seed {one.seed}<br>"
                f"{percent(value / 100)}" + (", diverged" if one.status == "diverged" else "")
                for _, value, one in found
            ],
            "hovertemplate": "%{text}<extra></extra>", "name": ink.label,
            "meta": {"chips": [f"e{position}"], "picks": [one.job.id for one in runs]},
        }
    ]  # fmt: skip


def whiskers(cells: Sequence[Cell]) -> tuple[list[float], list[float]]:
    """Lengths up and down in points; an accuracy lies between 0 and 100 %."""
    up, down = [], []
    for cell in cells:
        one = cell.interval
        up.append(0.0 if one is None else 100 * max(min(one.high, 1.0) - one.mean, 0.0))
        down.append(0.0 if one is None else 100 * max(one.mean - max(one.low, 0.0), 0.0))
    return up, down


def height(rows: Sequence[Sequence[Cell]]) -> list[float]:
    """Lowest and highest accuracy shown: every run, and the mean's interval a little beyond."""
    runs = [100 * v for row in rows for cell in row for v in cell.values.values()]
    if not runs:
        return [0.0, TOP]
    low, high = min(runs), max(runs)
    room = max(high - low, LEAST)
    ends = [100 * cell.interval.low for row in rows for cell in row if cell.interval]
    low = max(min([low, *ends]), low - 0.3 * room)
    return [max(low - 0.06 * room, 0.0), min(max(high + 0.1 * room, low + LEAST), TOP)]


def told(cell: Cell, ink: Ink, along: Axis) -> str:
    """A cell in words, for a hover."""
    head = f"<b>{ink.label}</b>, {spot(cell.place, along)}"
    if cell.mean is None:
        return head
    lines = [head, said(cell), seeds_of(cell), *map(shortened, cell.messages[:3])]
    return "<br>".join(filter(None, lines))


def shortened(text: str, most: int = 76) -> str:
    """A message that fits in a hover, where tags would be markup."""
    return escape(text if len(text) <= most else f"{text[: most - 1]}…", quote=False)


def said(cell: Cell) -> str:
    """97.1 % (96.4 to 97.7); a dash where nothing is known."""
    if cell.mean is None:
        return "–"
    if cell.interval is None:
        return percent(cell.mean)
    low, high = max(cell.interval.low, 0.0), min(cell.interval.high, 1.0)
    return f"{percent(cell.mean)} ({100 * low:.1f} to {100 * high:.1f})"


def seeds_of(cell: Cell) -> str:
    """3 seeds; 2 of 3 seeds so far."""
    known, whole = len(cell.values), len(cell.results)
    if known < whole:
        return f"{known} of {whole} seeds"
    return f"{known} seed{'s' if known != 1 else ''}"


def spot(place: Any, along: Axis) -> str:
    """m = 2; learning rate 0.05."""
    value = getattr(place, along)
    return f"m = {value}" if along == "micro_batch" else f"learning rate {value:g}"


def opened(cell: Cell) -> str:
    """The run that a click opens, "" if there is none."""
    return cell.shown.id if cell.shown else ""


def as_table(
    table: Table, rows: Sequence[Sequence[Cell]], drawn: Sequence[Ink], along: Axis
) -> Dict:
    """A row per place, a column per method."""
    values = table.values_of(along)
    cells = [[said(row[at]) for row in rows] for at in range(len(values))]
    return {
        "columns": [NAMES[along], *(ink.label for ink in drawn)],
        "rows": [[f"{value:g}", *row] for value, row in zip(values, cells, strict=True)],
    }


def in_words(rows: Sequence[Sequence[Cell]], drawn: Sequence[Ink], along: Axis) -> str:
    """For those who cannot see the lines: both ends."""
    parts = []
    for end in (0, -1) if len(rows[0]) > 1 else (0,):
        known = [(ink, row[end].mean) for ink, row in zip(drawn, rows, strict=True)]
        here = [f"{ink.label} {percent(mean)}" for ink, mean in known if mean is not None]
        if here:
            parts.append(f"at {spot(rows[0][end].place, along)} {listed(here)}")
    return f"Lines of the test accuracy: {'; '.join(parts)}." if parts else ""
