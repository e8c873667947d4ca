"""Accuracy along one axis of a sweep, a line per method: means, intervals over seeds, every run.

What is drawn is the share of wrong images, on a logarithmic axis that grows downwards and is
labelled by the accuracy: a method that breaks does not flatten the differences of the others.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np

from app.batch_size.table import Axis, Cell, Place, Table
from app.figures.spec import Dict, Spec, axis, entrant_chips, layout, listed, packed, percent
from app.palette import Ink, inks, tokens

SPREAD = 0.34  # share of the distance between two places that all methods' whiskers take
WIDEST = 0.09  # share of it between two methods
NONE_WRONG = 0.05  # % of images; fewer are drawn as so many
TICKS = (99.9, 99.8, 99.5, 99.0, 98.0, 97.0, 95.0, 90.0, 80.0, 60.0, 30.0, 0.0)  # accuracies, %
LEAST = 2.0  # the axis spans at least this factor of wrong images
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
            yaxis=axis(title="test accuracy, %", type="log", range=height(rows), tickmode="array",
                       tickvals=[wrong(one / 100) for one in TICKS],
                       ticktext=[f"{one:g}" for one in TICKS]),
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
    y = np.array([np.nan if cell.mean is None else wrong(cell.mean) for cell in cells])
    if not np.isfinite(y).any():
        return []
    more, fewer = whiskers(cells)
    return [
        {
            "type": "scatter", "mode": "lines+markers", "x": packed(x), "y": packed(y),
            "line": {"color": f"@e{position}", "width": 2.2, "dash": ink.dash},
            "marker": {
                "size": 8, "color": f"@e{position}",
                "symbol": ["circle-open" if cell in picked_out else "circle" for cell in cells],
                "line": {"width": 2, "color": f"@e{position}"},
            },
            "error_y": {"type": "data", "array": more, "arrayminus": fewer, "symmetric": False,
                        "color": f"@e{position}", "thickness": 1.4, "width": 4},
            "text": [told(cell, ink, along) for cell in cells],
            "hovertemplate": "%{text}<extra></extra>", "connectgaps": False, "name": ink.label,
            "meta": {"chips": [f"e{position}"], "picks": [opened(cell) for cell in cells]},
        }
    ]  # fmt: skip


def dots(cells: Sequence[Cell], x: np.ndarray, position: int, ink: Ink, along: Axis) -> list[Dict]:
    """Every run, faint; a cross where it diverged. A click opens it."""
    found = [
        (at, wrong(one.accuracy), one)
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
                f"{percent(one.accuracy)}" + (", diverged" if one.status == "diverged" else "")
                for one in runs
            ],
            "hovertemplate": "%{text}<extra></extra>", "name": ink.label,
            "meta": {"chips": [f"e{position}"], "picks": [one.job.id for one in runs]},
        }
    ]  # fmt: skip


def wrong(accuracy: float) -> float:
    """Share of wrong images in %, as far as the axis goes."""
    return float(np.clip(100 - 100 * accuracy, NONE_WRONG, 100.0))


def whiskers(cells: Sequence[Cell]) -> tuple[list[float], list[float]]:
    """Lengths towards more and towards fewer wrong images, in %."""
    more, fewer = [], []
    for cell in cells:
        one = cell.interval
        more.append(0.0 if one is None else wrong(one.low) - wrong(one.mean))
        fewer.append(0.0 if one is None else wrong(one.mean) - wrong(one.high))
    return more, fewer


def height(rows: Sequence[Sequence[Cell]]) -> list[float]:
    """Logarithms of the most and the fewest wrong images shown: every run, and a little beyond.

    Of an interval that reaches far beyond the runs, that of two seeds say, a part is enough.
    """
    runs = [wrong(v) for row in rows for cell in row for v in cell.values.values()]
    if not runs:
        return [2.0, 0.0]
    ends = [wrong(end) for row in rows for c in row if c.interval
            for end in (c.interval.low, c.interval.high)]  # fmt: skip
    most, fewest = max(runs), min(runs)
    most, fewest = min(max([most, *ends]), 1.6 * most), max(min([fewest, *ends]), fewest / 1.6)
    factor = max(most / fewest, LEAST)
    middle = (most * fewest) ** 0.5
    low, high = middle / factor**0.5, middle * factor**0.5
    room = 0.05 * np.log10(factor) + 0.02
    return [min(np.log10(high), 2.0) + room, np.log10(low) - room]


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
