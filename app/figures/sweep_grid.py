"""Method × micro-batch: what each cell reached, which are being trained, which went wrong."""

from html import escape

import numpy as np

from app.batch_size.table import Cell, Place, Table
from app.figures.spec import Dict, Spec, axis, layout, packed, percent
from app.figures.sweep_lines import opened, said, seeds_of, shortened
from app.palette import HEAT, HEAT_TOKENS, inks, tokens

BEST, WORST = 0.01, 1.0  # shares of wrong images at the two ends of the colours
LONG = 16  # letters of a method's name in one line
HEAD, ROW = 150, 42  # pixels of the figure without its rows, and of a row
KINDS = {  # of a mark over a cell, in words
    "running": "being trained",
    "waiting": "waiting",
    "failed": "failed",
    "misfit": "does not fit",
}


def grid(table: Table, at: Place) -> Spec:
    """The heat map; rows are methods in their order, columns micro-batches."""
    drawn, rows = inks(table.experiments), table.row(at)
    sizes = table.values_of("micro_batch")
    spec: Spec = {
        "title": "How far does each get?",
        "meaning": "Test accuracy in %, mean over seeds; the deeper the colour, the more is wrong.",
        "scale": {
            "stops": [[place, f"@{name}"] for place, name in HEAT],
            "ends": ["1 % wrong", "all wrong"],
        },
        "tokens": tokens(table.experiments, HEAT_TOKENS),
        "hint": "click a cell",
        "data": [heat(rows)],
        "cells": [mark for y, row in enumerate(rows) for x, cell in enumerate(row)
                  for mark in marks(cell, x, y)],
        "layout": layout(
            f"{table.sweep_id} grid {tuple(at)}", hovermode="closest", dragmode=False,
            xaxis=axis(title="images per statistic, m", tickmode="array", fixedrange=True,
                       tickvals=list(range(len(sizes))), ticktext=[str(m) for m in sizes],
                       range=[-0.5, len(sizes) - 0.5], showgrid=False),
            yaxis=axis(tickmode="array", tickvals=list(range(len(rows))), fixedrange=True,
                       ticktext=[in_lines(ink.label, p) for p, ink in enumerate(drawn)],
                       range=[len(rows) - 0.5, -0.5], showgrid=False, ticks=""),
        ),
        "table": as_table(table, rows),
        "caption": "Test accuracy in % and what became of the runs",
        "label": in_words(table, rows),
    }  # fmt: skip
    return spec


def height(table: Table) -> int:
    """Pixels that the figure needs."""
    return HEAD + ROW * len(table.entrants)


def heat(rows: list[list[Cell]]) -> Dict:
    """Colours by the share of wrong images, on a logarithmic scale that is always the same."""
    wrong = [[np.nan if c.mean is None else 1 - c.mean for c in row] for row in rows]
    shares = np.log10(np.clip(wrong, BEST, WORST) / BEST) / np.log10(WORST / BEST)
    return {
        "type": "heatmap", "z": packed(shares), "zmin": 0, "zmax": 1, "showscale": False,
        "x": list(range(len(rows[0]))), "y": list(range(len(rows))),
        "colorscale": [[at, f"@{name}"] for at, name in HEAT], "xgap": 2, "ygap": 2,
        "text": [[written(cell) for cell in row] for row in rows],
        "texttemplate": "%{text}", "textfont": {"size": 12.5},
        "customdata": [[hover(cell) for cell in row] for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>", "hoverongaps": True,
        "meta": {"picks": [[opened(cell) for cell in row] for row in rows]},
    }  # fmt: skip


def written(cell: Cell) -> str:
    """What stands in a cell: 97.1, and how many of its runs are missing or went wrong."""
    if cell.mean is None:
        return ""
    lines = [f"{100 * cell.mean:.1f}"]
    lines += [f"{n} {what}" for what in ("diverged", "failed") if (n := cell.count(what))]
    missing = len(cell.results) - len(cell.values) - cell.count("failed")
    if missing and len(lines) == 1:
        lines.append(f"{len(cell.values)} of {len(cell.results)}")
    return "<br>".join(
        line if number == 0 else f"<span style='font-size:10px'>{line}</span>"
        for number, line in enumerate(lines)
    )


def marks(cell: Cell, x: int, y: int) -> list[Dict]:
    """What is laid over a cell: a pulse while it is trained, hatching where nothing fits."""
    kind = state(cell)
    if kind == "running":
        return [{"x": x, "y": y, "kind": kind, "words": ""}]
    if kind in KINDS and cell.mean is None:
        return [{"x": x, "y": y, "kind": kind, "words": "" if kind == "waiting" else KINDS[kind]}]
    return []


def state(cell: Cell) -> str:
    """What matters most about a cell: a key of KINDS, or done."""
    if not cell.results:
        return "misfit"
    if cell.busy:
        return "running"
    if cell.count("failed") and not cell.values:
        return "failed"
    return "done" if len(cell.values) + cell.count("failed") == len(cell.results) else "waiting"


def hover(cell: Cell) -> str:
    """The cell in words."""
    lines = [f"<b>{name_of(cell)}</b>, m = {cell.place.micro_batch}"]
    if not cell.results:
        return "<br>".join([*lines, f"does not fit: {wrapped(cell.why)}"])
    if cell.mean is not None:
        lines += [said(cell), seeds_of(cell)]
    lines += [where(cell), *(shortened(message) for message in cell.messages)]
    return "<br>".join(filter(None, lines))


def where(cell: Cell) -> str:
    """What its open runs are doing: 1 being trained at step 40 of 84, 2 waiting."""
    busy = [one for one in cell.results if one.status == "running"]
    waiting = cell.count("waiting", "queued", "paused", "stopped", "interrupted")
    steps = " and ".join(f"step {one.step:,} of {one.job.experiment.steps:,}" for one in busy)
    parts = [f"{len(busy)} being trained, {steps}" if busy else ""]
    return ", ".join(filter(None, [*parts, f"{waiting} waiting" if waiting else ""]))


def name_of(cell: Cell) -> str:
    """The method as people read it."""
    return cell.results[0].job.experiment.label if cell.results else cell.entrant


def wrapped(text: str, most: int = 60) -> str:
    """A sentence over several lines of a hover."""
    lines, line = [], ""
    for word in escape(text).split():
        if line and len(line) + len(word) >= most:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "<br>".join([*lines, line])


def in_lines(label: str, position: int) -> str:
    """A method's name beside its row, in its colour; long ones in two lines."""
    lines, line = [], ""
    for word in label.split():
        if line and len(line) + len(word) >= LONG:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    words = "<br>".join([*lines, line])
    return f"<span style='color:@t{position}'>{words}</span>"


def as_table(table: Table, rows: list[list[Cell]]) -> Dict:
    """A row per cell, with the reasons; those with a run can be opened."""
    cells = [(ink.label, cell) for ink, row in zip(inks(table.experiments), rows, strict=True)
             for cell in row]  # fmt: skip
    return {
        "columns": ["method", "m", "accuracy (95 % interval)", "seeds", "what became of it"],
        "rows": [
            [label, str(cell.place.micro_batch), said(cell),
             f"{len(cell.values)} of {len(cell.results)}", became(cell)]
            for label, cell in cells
        ],
        "picks": [opened(cell) for _, cell in cells],
    }  # fmt: skip


def became(cell: Cell) -> str:
    """Done, or what else, with the reasons."""
    if not cell.results:
        return f"does not fit: {cell.why}"
    if messages := cell.messages:
        return "; ".join(messages)
    return where(cell) or KINDS.get(state(cell), "done")


def in_words(table: Table, rows: list[list[Cell]]) -> str:
    """For those who cannot see the colours: how far it is, the ends, what went wrong."""
    cells = [cell for row in rows for cell in row]
    known = [cell for cell in cells if cell.mean is not None]
    parts = [f"{len(known)} of {len(cells)} cells have a value"]
    if known:
        means = [cell.mean or 0.0 for cell in known]
        parts.append(f"from {percent(min(means))} to {percent(max(means))}")
    for what in ("running", "misfit", "failed"):
        count = sum(state(cell) == what for cell in cells)
        parts += [f"{count} {KINDS[what]}"] if count else []
    gone = sum(cell.count("diverged") for cell in cells)
    parts += [f"{gone} runs diverged"] if gone else []
    return f"Heat map of the accuracy by method and micro-batch: {', '.join(parts)}."
