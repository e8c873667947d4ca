"""Measure what the README's "What it costs" tells, on this machine, as the ratios of its tables.

The trainer with its telemetry over a bare PyTorch loop, and a full training step of batch and
Kalman normalization over one with nn.BatchNorm2d; `cost` measures single methods more briefly.
"""

import argparse
from importlib import import_module
from importlib.util import find_spec

from bkn.cards import as_number
from bkn.store.home import ROOT

SCRIPT = "benchmarks.trainer_speed"


def add(parser: argparse.ArgumentParser) -> None:
    """How long to measure."""
    parser.add_argument(
        "--scale", default="1", help="how many stretches and steps: 0.1 for a glance (default: 1)"
    )


def run(given: argparse.Namespace) -> int:
    """Measure and print the tables."""
    scale = as_number(given.scale)
    if scale is None or not 0 < scale <= 100:
        raise ValueError(f"scale must be a number above 0 and at most 100, got {given.scale!r}")
    if not reachable():
        raise ValueError(
            "the benchmarks come with the repository, not with an installed package: run "
            f"`python -m bkn bench` in the folder of a clone, as in {ROOT}"
        )
    print(import_module(SCRIPT).ratios(scale))
    return 0


def reachable() -> bool:
    """Whether the benchmarks of this very checkout can be imported."""
    package = find_spec("benchmarks")
    return package is not None and package.origin == str(ROOT / "benchmarks" / "__init__.py")
