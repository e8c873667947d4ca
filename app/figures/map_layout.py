"""Where everything stands in the map of a network: columns, lines, rows, arcs.

From the document "network" of a run. What only passes values on (activations, reshapes, dropout)
is left out. A deep network wraps like text: lines end where one value alone goes on, so that
shortcuts stay within a line. Widths are in units that share the figure's width, heights in pixels.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

WIDTH = {  # of what is drawn, in units; other kinds are left out
    "norm": 1.0, "conv": 0.62, "linear": 0.7, "pool": 0.62, "input": 0.7, "output": 0.7,
    "add": 0.66, "multiply": 0.66, "cat": 0.66,
}  # fmt: skip
LINE = 44.0  # units that fit into one line
ROOMY = 21.0  # units, up to which there is room for names and shapes
GAP = 0.3  # units between blocks
TITLE, HALF, AFTER, ARC = 15.0, 13.0, 8.0, 13.0  # pixels: of a block's name, of half a square ...
Node = dict[str, Any]


class Room(NamedTuple):
    """Pixels for words around the squares of a line."""

    name: float  # above
    below: float
    row: float  # from one branch to the next


WIDE, NARROW = Room(14.0, 34.0, 46.0), Room(2.0, 19.0, 44.0)


class Spot(NamedTuple):
    """One node in the map."""

    node: Node
    line: int
    x: float  # units
    y: float  # pixels from the top


class Box(NamedTuple):
    """A block of the network, or its part in one line."""

    title: str
    x0: float
    x1: float
    y0: float
    y1: float
    shape: list[int]  # of what leaves it


class Path(NamedTuple):
    """A connection as a polyline; `skip` where it leaps over layers."""

    x: list[float]
    y: list[float]
    skip: bool


@dataclass(frozen=True)
class MapLayout:
    """The map of one network, ready to be coloured."""

    spots: list[Spot]
    paths: list[Path]
    boxes: list[Box]
    width: float  # units
    height: float  # pixels
    room: Room
    floors: list[float]  # bottom of every line

    @cached_property
    def norms(self) -> list[Spot]:
        """The normalizers, in order of execution."""
        return [spot for spot in self.spots if spot.node["kind"] == "norm"]


def arrange(document: Mapping[str, Any]) -> MapLayout:
    """Lay out a network.

    Args:
        document: nodes and edges; a node has id, kind, title, shape, label, block, row.
    """
    nodes = {node["id"]: node for node in document["nodes"] if node["kind"] in WIDTH}
    parents = visible_parents(document, nodes)
    ranks = ranked(nodes, parents)
    lines, places, width = wrapped(nodes, parents, ranks)
    blocks = blocks_of(nodes.values())
    leaps = [(a, b) for b in nodes for a in parents[b] if leaps_over(nodes, ranks, a, b)]
    room = WIDE if width <= ROOMY else NARROW
    tops, middles, floors = heights(nodes, lines, leaps, any(blocks.values()), room)
    spots = {
        at: Spot(node, lines[at], places[at], middles[lines[at]] + room.row * node["row"])
        for at, node in nodes.items()
    }
    skips = set(leaps)
    paths = [
        path
        for b in nodes
        for a in parents[b]
        for path in connected(
            spots[a], spots[b], width, HALF + room.name + ARC if (a, b) in skips else 0.0
        )
    ]
    boxes = boxed(spots, blocks, tops, floors)
    order = sorted(spots.values(), key=lambda spot: spot.node["id"])
    return MapLayout(order, paths, boxes, width, floors[-1], room, floors)


def visible_parents(document: Mapping[str, Any], nodes: Mapping[int, Node]) -> dict[int, list[int]]:
    """What each drawn node gets its values from, seen through what is left out."""
    behind = defaultdict(list)
    for source, target in document["edges"]:
        behind[target].append(source)
    seen: dict[int, list[int]] = {}

    def sources(at: int) -> list[int]:
        if at not in seen:
            found = [[one] if one in nodes else sources(one) for one in behind[at]]
            seen[at] = list(dict.fromkeys(one for some in found for one in some))
        return seen[at]

    # In order of execution, so that what is left out is known before it is asked for.
    for node in sorted(document["nodes"], key=lambda node: node["id"]):
        sources(node["id"])
    return {at: seen[at] for at in nodes}


def ranked(nodes: Mapping[int, Node], parents: Mapping[int, list[int]]) -> dict[int, int]:
    """Column of every node: the longest way to it."""
    ranks: dict[int, int] = {}
    for at in sorted(nodes):
        ranks[at] = max((ranks[one] + 1 for one in parents[at]), default=0)
    return ranks


def wrapped(
    nodes: Mapping[int, Node], parents: Mapping[int, list[int]], ranks: Mapping[int, int]
) -> tuple[dict[int, int], dict[int, float], float]:
    """Line and x of every node, and the width of the widest line."""
    columns = defaultdict(list)
    for at, rank in ranks.items():
        columns[rank].append(at)
    blocks = [main_block(nodes, columns[rank]) for rank in range(len(columns))]
    widths = [
        max(WIDTH[nodes[at]["kind"]] for at in columns[rank])
        + (GAP if rank and blocks[rank] != blocks[rank - 1] else 0.0)
        for rank in range(len(columns))
    ]
    ends = line_ends(widths, narrow_places(ranks, parents))
    lines, places, line, x, widest = {}, {}, 0, 0.0, 0.0
    for rank, wide in enumerate(widths):
        gap = GAP if rank and blocks[rank] != blocks[rank - 1] else 0.0
        for at in columns[rank]:
            lines[at], places[at] = line, x + gap + (wide - gap) / 2
        x += wide
        widest = max(widest, x)
        if rank in ends:
            line, x = line + 1, 0.0
    return lines, places, widest


def main_block(nodes: Mapping[int, Node], column: Iterable[int]) -> str:
    """The block that a column lies in."""
    return str(min((nodes[at] for at in column), key=lambda node: node["row"])["block"])


def narrow_places(ranks: Mapping[int, int], parents: Mapping[int, list[int]]) -> set[int]:
    """Columns behind which a single value goes on: there a line may end."""
    reach: dict[int, int] = {}  # last column that needs a node's value
    for at, sources in parents.items():
        for source in sources:
            reach[source] = max(reach.get(source, 0), ranks[at])
    last = max(ranks.values(), default=0)
    crossing = [0] * (last + 1)
    for source, end in reach.items():
        for rank in range(ranks[source], end):
            crossing[rank] += 1
    return {rank for rank in range(last) if crossing[rank] == 1}


def line_ends(widths: list[float], narrow: set[int]) -> set[int]:
    """Columns that end a line: lines about equally long, none longer than LINE."""
    whole = sum(widths)
    count = -(-whole // LINE)
    aim = min(LINE, 1.12 * whole / max(count, 1))
    ends, used, since = set(), 0.0, 0
    for rank, wide in enumerate(widths):
        if used + wide > aim and rank > since:
            able = [one for one in range(since, rank) if one in narrow]
            good = [one for one in able if sum(widths[since : one + 1]) > 0.45 * aim]
            end = good[-1] if good else rank - 1
            ends.add(end)
            since, used = end + 1, sum(widths[end + 1 : rank])
        used += wide
    return ends


def leaps_over(nodes: Mapping[int, Node], ranks: Mapping[int, int], a: int, b: int) -> bool:
    """Whether a connection within the main path passes over other nodes."""
    return nodes[a]["row"] == nodes[b]["row"] == 0 and ranks[b] - ranks[a] > 1


def heights(
    nodes: Mapping[int, Node],
    lines: Mapping[int, int],
    leaps: list[tuple[int, int]],
    titled: bool,
    room: Room,
) -> tuple[list[float], list[float], list[float]]:
    """Top, middle and bottom of every line, in pixels."""
    count = max(lines.values(), default=0) + 1
    rows, arcs = [0] * count, [0.0] * count
    for at, node in nodes.items():
        rows[lines[at]] = max(rows[lines[at]], node["row"])
    for a, b in leaps:
        arcs[lines[a]] = arcs[lines[b]] = ARC
    tops, middles, floors, y = [], [], [], 0.0
    for line in range(count):
        tops.append(y)
        middles.append(y + (TITLE if titled else 0.0) + room.name + arcs[line] + HALF)
        floors.append(middles[-1] + HALF + room.below + room.row * rows[line])
        y = floors[-1] + AFTER
    return tops, middles, floors


def connected(a: Spot, b: Spot, width: float, rise: float) -> list[Path]:
    """The connection of two nodes; between lines it leaves at the right and comes in at the left.

    Args:
        a: where it comes from.
        b: where it leads.
        width: of a line.
        rise: pixels that a shortcut leaps up; 0 for what leads straight on.
    """
    skip = rise > 0
    if a.line != b.line:
        return [
            Path([a.x, a.x + 0.2, width], [a.y, a.y - rise, a.y - rise], skip),
            Path([0.0, b.x - 0.2, b.x], [b.y - rise, b.y - rise, b.y], skip),
        ]
    if skip:
        along = [0.0, 0.01, 0.03, 0.07, 0.13, 0.25, 0.5, 0.75, 0.87, 0.93, 0.97, 0.99, 1.0]
        x = [a.x + (b.x - a.x) * t for t in along]
        return [Path(x, [a.y - rise * (1 - abs(2 * t - 1) ** 8) for t in along], True)]
    if a.y == b.y:
        return [Path([a.x, b.x], [a.y, b.y], False)]
    if b.y > a.y:  # into a branch, then along it
        return [Path([a.x, min(a.x + 0.4, b.x), b.x], [a.y, b.y, b.y], False)]
    return [Path([a.x, max(b.x - 0.4, a.x), b.x], [a.y, a.y, b.y], False)]


def blocks_of(nodes: Iterable[Node]) -> dict[int, str]:
    """Block of every node; parts of a block that is one itself belong to it."""
    names = {node["block"] for node in nodes if node["block"]}

    def outermost(name: str) -> str:
        parts = name.split(".")
        above = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
        return next((one for one in above if one in names), name)

    return {node["id"]: outermost(node["block"]) if node["block"] else "" for node in nodes}


def boxed(
    spots: Mapping[int, Spot], blocks: Mapping[int, str], tops: list[float], floors: list[float]
) -> list[Box]:
    """A frame around every block, line by line."""
    members = defaultdict(list)
    for at, name in blocks.items():
        if name:
            members[name, spots[at].line].append(spots[at])
    return [
        Box(
            name,
            min(one.x - WIDTH[one.node["kind"]] / 2 for one in inside),
            max(one.x + WIDTH[one.node["kind"]] / 2 for one in inside),
            tops[line],
            floors[line],
            max(inside, key=lambda one: (-one.node["row"], one.node["id"])).node["shape"],
        )
        for (name, line), inside in members.items()
    ]
