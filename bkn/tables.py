"""Markdown tables, and fractions in percent, for documents that the lab writes itself."""

from collections.abc import Sequence


def percent(fraction: float, sign: bool = False) -> str:
    """Two decimals, without the sign of the unit: 0.9756 is "97.56"."""
    return f"{100 * fraction:{'+' if sign else ''}.2f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns aligned for readers of the source."""
    table = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in table
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
