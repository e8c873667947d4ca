"""Network maps of the document's form, made without torch: a chain, a residual net, a deep one."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Map:
    """A network in the making; every method adds a node behind the ones named."""

    size: int  # height and width now
    channels: int
    nodes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[list[int]] = field(default_factory=list)
    norms: list[tuple[str, int, int]] = field(default_factory=list)  # label, channels, places
    block: str = ""
    row: int = 0

    def add(self, kind: str, name: str, title: str, behind: list[int], label: str = "") -> int:
        columns = [self.nodes[at]["column"] for at in behind]
        shape = [self.channels, self.size, self.size] if self.size else [self.channels]
        node = {
            "id": len(self.nodes), "kind": kind, "name": name, "title": title, "shape": shape,
            "label": label, "block": self.block, "column": max(columns, default=-1) + 1,
            "row": self.row,
        }  # fmt: skip
        self.nodes.append(node)
        self.edges += [[at, node["id"]] for at in behind]
        return node["id"]

    def conv(self, name: str, channels: int, behind: int, stride: int = 1, size: int = 3) -> int:
        self.channels, self.size = channels, -(-self.size // stride)
        title = f"{size}x{size} conv, {channels}" + (f", stride {stride}" if stride > 1 else "")
        return self.add("conv", name, title, [behind])

    def norm(self, label: str, behind: int) -> int:
        self.norms.append((label, self.channels, max(self.size, 1) ** 2))
        return self.add("norm", label, "normalizer", [behind], label)

    def relu(self, behind: int) -> int:
        return self.add("activation", "relu", "ReLU", [behind])

    def end(self, behind: int, classes: int = 10) -> "Map":
        self.block, self.row = "", 0
        self.size = 0
        pool = self.add("pool", "pool", "average over all places", [behind])
        self.channels = classes
        linear = self.add("linear", "classify", f"linear, {classes}", [pool])
        self.add("output", "output", "output", [linear])
        return self

    def to_json(self) -> str:
        return json.dumps({"nodes": self.nodes, "edges": self.edges})


def begin(size: int, channels: int) -> Map:
    """Only the input."""
    network = Map(size, channels)
    network.add("input", "input", "images", [])
    return network


def convnet(widths: tuple[int, ...] = (16, 16, 32, 32, 64, 64), size: int = 8) -> Map:
    """The default network: a chain."""
    network, now = begin(size, 1), 0
    for k, width in enumerate(widths):
        name = network.block = f"layer{k + 1}"
        now = network.conv(f"{name}.conv", width, now, 2 if k in (2, 4) else 1)
        now = network.relu(network.norm(name, now))
    return network.end(now)


def bottlenecks(counts: tuple[int, ...] = (3, 4, 6, 3), width: int = 64, size: int = 32) -> Map:
    """Blocks of three convolutions beside a shortcut: (3, 4, 6, 3) have 53 normalizers."""
    network = begin(size, 3)
    now = network.relu(network.norm("bn1", network.conv("conv1", width, 0)))
    for stage, count in enumerate(counts):
        for number in range(count):
            wide, stride = width * 2**stage, 2 if stage and not number else 1
            network.block, source = f"layer{stage + 1}.{number}", now
            before = network.size, network.channels
            for k, (out, step, size) in enumerate(
                ((wide, 1, 1), (wide, stride, 3), (4 * wide, 1, 1))
            ):
                name = f"{network.block}.conv{k + 1}"
                now = network.conv(name, out, now, step, size)
                now = network.norm(f"{network.block}.bn{k + 1}", now)
                now = network.relu(now) if k < 2 else now
            skip = source
            if not number:
                (network.size, network.channels), network.row = before, 1
                skip = network.conv(f"{network.block}.down", 4 * wide, source, stride, 1)
                skip = network.norm(f"{network.block}.down.norm", skip)
                network.row = 0
            now = network.add("add", "add", "sum", [now, skip])
            now = network.relu(now)
    return network.end(now)
