"""Where the operations of a network stand on its map: columns by depth, rows for branches."""

from collections.abc import Sequence

Edges = Sequence[tuple[int, int]]


def columns_of(count: int, edges: Edges) -> list[int]:
    """Length of the longest path to each node; nodes are numbered in order of execution."""
    columns = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        columns[target] = max(columns[target], columns[source] + 1)
    return columns


def rows_of(columns: Sequence[int], edges: Edges) -> list[int]:
    """0 on the longest path through the network; a branch beside it keeps a row of its own."""
    sources: dict[int, list[int]] = {}
    for source, target in edges:
        sources.setdefault(target, []).append(source)
    main = _longest(columns, sources)
    rows, taken = [0] * len(columns), {(columns[at], 0) for at in main}
    for at in range(len(columns)):
        if at in main:
            continue
        above = max((rows[source] for source in sources.get(at, ())), default=0)
        row = max(above, 1)
        while (columns[at], row) in taken:
            row += 1
        rows[at] = row
        taken.add((columns[at], row))
    return rows


def _longest(columns: Sequence[int], sources: dict[int, list[int]]) -> set[int]:
    """The nodes of the longest path that ends at the last node."""
    path = {len(columns) - 1} if columns else set()
    at = len(columns) - 1
    while sources.get(at):
        at = max(sources[at], key=lambda source: columns[source])
        path.add(at)
    return path
