"""Small multiples: one panel per entrant, side by side, each under its entrant's name."""

from collections.abc import Sequence
from typing import Any

from app.figures.spec import Dict

LETTERS = {1: 90, 2: 40, 3: 24, 4: 18}  # that fit above a panel, by panels in a row


def number(index: int) -> str:
    """Plotly's suffix of the axes of panel `index`: "", "2", "3" ..."""
    return "" if index == 0 else str(index + 1)


def span(index: int, count: int, gap: float) -> list[float]:
    """The share of the width (or height) that panel `index` of `count` takes."""
    size = (1 + gap) / count
    return [round(index * size, 4), round(index * size + size - gap, 4)]


def in_lines(label: str, columns: int) -> list[str]:
    """The label in one line where it fits, else method above options, cut where they must be."""
    most = LETTERS[columns]
    if len(label) <= most:
        return [label]
    method, _, options = label.partition(", ")
    return [text if len(text) <= most else f"{text[: most - 1]}…" for text in (method, options)]


def headroom(labels: Sequence[str], columns: int) -> int:
    """Pixels above a row of panels that their names need."""
    return 6 + 16 * max(len(in_lines(label, columns)) for label in labels)


def sparse(names: Sequence[str], pixels: float) -> int:
    """Every how manyth name fits below an axis of that width."""
    wide = 6.4 * max(map(len, names), default=0) + 12
    return max(1, -(-round(len(names) * wide) // round(pixels)))


def heading(label: str, color: str, index: int, columns: int) -> Dict:
    """The name above one panel, as an annotation; the whole of it on hover."""
    n = number(index)
    return note(
        "<br>".join(in_lines(label, columns)), color, bold=True, align="left", hovertext=label,
        x=0, xref=f"x{n} domain", xanchor="left", y=1, yref=f"y{n} domain", yanchor="bottom",
        yshift=2,
    )  # fmt: skip


def note(text: str, color: str, *, bold: bool = False, **place: Any) -> Dict:
    """An annotation without an arrow."""
    font = {"size": 12.5, "color": color, "weight": 700 if bold else 400}
    return {"text": text, "showarrow": False, "font": font, "borderpad": 1, **place}
