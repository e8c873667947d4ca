"""Where residual branches leave the stream and come back to it."""

from typing import NamedTuple

from torch import fx

from bkn.surgery.network import Network
from bkn.surgery.sparing import upstream


class Join(NamedTuple):
    """A sum of a branch and its shortcut."""

    node: fx.Node  # the sum
    fork: fx.Node  # where both begin
    branch: fx.Node  # the end of the branch: of both, the way with more weight layers
    shortcut: fx.Node  # the end of the other
    entries: tuple[fx.Node, ...]  # what the branch does first to the fork's output
    projects: bool  # the shortcut has weight layers of its own


def joins(network: Network) -> list[Join]:
    """All residual sums of a network, in order of execution."""
    return [join for node in network.additions() if (join := _read(network, node)) is not None]


def between(fork: fx.Node, end: fx.Node) -> set[fx.Node]:
    """The nodes behind `fork` that `end` depends on, `end` too; empty for the fork itself."""
    found: set[fx.Node] = set()
    open_ends = [end]
    while open_ends:
        node = open_ends.pop()
        if node is fork or node in found:
            continue
        found.add(node)
        open_ends.extend(node.all_input_nodes)
    return found


def _read(network: Network, node: fx.Node) -> Join | None:
    one, two = node.all_input_nodes
    fork = _fork(network, one, two)
    if fork is None:
        return None
    layers = set(network.weight_layers())
    ways = sorted((one, two), key=lambda end: len(between(fork, end) & layers))
    shortcut, branch = ways
    inside = between(fork, branch)
    if not inside & layers:
        return None
    entries = tuple(user for user in fork.users if user in inside)
    projects = bool(between(fork, shortcut) & layers)
    return Join(node, fork, branch, shortcut, entries, projects)


def _fork(network: Network, one: fx.Node, two: fx.Node) -> fx.Node | None:
    """The last node that both depend on, or that one of them is."""
    above = [upstream(end) for end in (one, two)]
    common = above[0] & above[1]
    order = [node for node in network.graph.nodes if node in common]
    return order[-1] if order else None
