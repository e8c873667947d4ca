"""How soon does each method get there: steps to a given accuracy, by micro-batch."""

from math import log2

import numpy as np

from app.batch_size.table import Cell, Place, Table
from app.figures.spec import Dict, Spec, axis, entrant_chips, layout, packed, percent
from app.figures.sweep_curve import below
from app.figures.sweep_lines import dodge, opened, seeds_of, spot
from app.palette import Ink, inks, tokens

NEVER = 1.14  # where "never" stands, in planned steps


def steps(table: Table, at: Place, reach: float) -> Spec:
    """Median over seeds of the steps after which a test first reached an accuracy.

    Args:
        table: of the sweep, its results with curves.
        at: place in the sweep.
        reach: the accuracy, a fraction.
    """
    drawn, rows = inks(table.experiments), table.row(at)
    sizes = table.values_of("micro_batch")
    places = np.array([log2(m) for m in sizes])
    gap = float(np.diff(places).min()) if len(places) > 1 else 1.0
    planned = max(one.job.experiment.steps for row in rows for c in row for one in c.results)
    behind: list[Dict] = []
    front: list[Dict] = []
    for position, (cells, ink) in enumerate(zip(rows, drawn, strict=True)):
        x = places + gap * dodge(len(rows))[position]
        behind += every(cells, x, reach, planned, position)
        front += medians(cells, x, reach, planned, position, ink)
    ticks = round_ticks(planned)
    return {
        "title": f"How soon is {100 * reach:g} % reached?",
        "meaning": meaning(table),
        "data": behind + front,
        "legend": entrant_chips(enumerate(drawn)),
        "tokens": tokens(table.experiments),
        "hint": "click a point",
        "layout": layout(
            f"{table.sweep_id} steps {tuple(at)}", hovermode="closest",
            xaxis=below("images per statistic, m", places.tolist(), sizes),
            yaxis=axis(title="steps", tickmode="array", tickvals=[*ticks, NEVER * planned],
                       ticktext=[*(f"{tick:,}" for tick in ticks), "never"],
                       range=[0, 1.2 * planned]),
            shapes=[{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1.06 * planned,
                     "y1": 1.06 * planned, "line": {"color": "@grid", "width": 1, "dash": "dot"}}],
        ),
        "table": {
            "columns": ["m", *(ink.label for ink in drawn)],
            "rows": [[str(m), *(said(row[i], reach) for row in rows)] for i, m in enumerate(sizes)],
        },
        "caption": f"Median of the steps to {100 * reach:g} % test accuracy",
        "label": in_words(rows, drawn, reach),
        "empty": "" if front else "The first points appear when the first runs end.",
    }  # fmt: skip


def meaning(table: Table) -> str:
    """What the marks are."""
    one = len(table.seeds) < 2
    return (
        "Steps until a test of this one run first showed it, as finely as it was tested."
        if one
        else "Median over seeds, as finely as runs were tested; faint: every run."
    )


def median(cell: Cell, reach: float) -> float:
    """Infinite: half of the seeds or more never get there; not a number: not known."""
    found = sorted(cell.steps_to(reach).values())
    if not found:
        return float("nan")
    low, high = found[(len(found) - 1) // 2], found[len(found) // 2]
    return (low + high) / 2


def medians(
    cells: list[Cell], x: np.ndarray, reach: float, planned: int, position: int, ink: Ink
) -> list[Dict]:
    """The line of medians, broken where the accuracy is never reached: there, crosses."""
    found = np.array([median(cell, reach) for cell in cells])
    if np.isnan(found).all():
        return []
    never = np.isinf(found)
    texts = [hover(cell, ink, reach) for cell in cells]
    meta = {"chips": [f"e{position}"], "picks": [opened(cell) for cell in cells]}
    shared = {"type": "scatter", "x": packed(x), "text": texts, "name": ink.label, "meta": meta,
              "hovertemplate": "%{text}<extra></extra>"}  # fmt: skip
    return [
        {**shared, "mode": "lines+markers", "y": packed(np.where(never, np.nan, found)),
         "line": {"color": f"@e{position}", "width": 2.2, "dash": ink.dash},
         "marker": {"size": 8, "color": f"@e{position}"}, "connectgaps": False},
        {**shared, "mode": "markers", "y": packed(np.where(never, NEVER * planned, np.nan)),
         "marker": {"size": 10, "symbol": "x", "color": f"@e{position}"}},
    ]  # fmt: skip


def every(
    cells: list[Cell], x: np.ndarray, reach: float, planned: int, position: int
) -> list[Dict]:
    """Every run, faint."""
    found = [
        (across, steps)
        for cell, across in zip(cells, x, strict=True)
        if len(cell.results) > 1
        for steps in cell.steps_to(reach).values()
    ]
    if not found:
        return []
    across, up = np.array(found).T
    return [
        {"type": "scatter", "mode": "markers", "x": packed(across),
         "y": packed(np.where(np.isinf(up), NEVER * planned, up)), "hoverinfo": "skip",
         "marker": {"size": 5, "color": f"@e{position}", "opacity": 0.38, "line": {"width": 0}},
         "meta": {"chips": [f"e{position}"]}}
    ]  # fmt: skip


def said(cell: Cell, reach: float) -> str:
    """63; never; 63 (2 of 3 seeds get there)."""
    found, middle = cell.steps_to(reach), median(cell, reach)
    if not found:
        return "–"
    there = sum(np.isfinite(steps) for steps in found.values())
    words = "never" if np.isinf(middle) else f"{middle:,.0f}"
    some = f" ({there} of {len(found)} seeds get there)"
    return words if there in (0, len(found)) else words + some


def hover(cell: Cell, ink: Ink, reach: float) -> str:
    """A point in words."""
    steps = said(cell, reach)
    unit = " steps" if steps[0].isdigit() else ""
    head = f"<b>{ink.label}</b>, {spot(cell.place, 'micro_batch')}"
    return f"{head}<br>{percent(reach)} after: {steps}{unit}<br>{seeds_of(cell)}"


def round_ticks(planned: int) -> list[int]:
    """About four round numbers of steps up to the planned ones."""
    rough = planned / 5.5
    size = 10 ** int(np.floor(np.log10(max(rough, 1))))
    step = max(int(next(f * size for f in (1, 2, 5, 10) if f * size >= rough)), 1)
    return list(range(0, planned + 1, step))


def in_words(rows: list[list[Cell]], drawn: list[Ink], reach: float) -> str:
    """For those who cannot see it: the smallest micro-batch."""
    parts = [f"{ink.label} {said(row[0], reach)}" for ink, row in zip(drawn, rows, strict=True)]
    place = spot(rows[0][0].place, "micro_batch")
    return f"Median of the steps to {percent(reach)}. At {place}: {', '.join(parts)}."
