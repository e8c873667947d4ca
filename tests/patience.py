"""How long tests wait, and how fast things have to be on a machine that is slow right now.

A wait ends when its condition holds; its deadline only ends a hopeless one and says nothing about
speed. Speeds are measured, then judged by `assert_fast`.
"""

import math
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 300.0  # seconds
MARGIN = 3  # for what the yardstick does not see: disks, browsers, neighbours that come and go
TORCH = "import torch, torch._dynamo"  # what any training process pays before its first step
QUIET = 4.8  # seconds for that on two quiet cores, with which the limits were set


def until(condition: Callable[[], T], what: str = "the condition") -> T:
    """Wait until the condition holds; returns its value, fails in words when it never does."""
    began = time.monotonic()
    while not (found := condition()):
        assert time.monotonic() - began < PATIENCE, f"waited {PATIENCE:g} s in vain for {what}"
        time.sleep(0.01)
    return found


def seconds_until(condition: Callable[[], object], what: str) -> float:
    """Wait until the condition holds; returns how long that took."""
    began = time.monotonic()
    until(condition, what)
    return time.monotonic() - began


def slowness() -> float:
    """How many times slower than two quiet cores this machine is right now, at least 1."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", TORCH], check=True)
    return max(1.0, (time.monotonic() - began) / QUIET)


def assert_fast(what: str, seconds: float, limit: float, most: float = math.inf) -> str:
    """Fail where something took longer than a machine as slow as this one explains.

    Args:
        what: was measured, for the message.
        seconds: it took.
        limit: seconds on a quiet machine; where it is kept, nothing else is looked at.
        most: seconds that no slowness excuses.

    Returns:
        The figure and its limit in words.
    """
    words = f"{what}: {seconds:.2f} s (limit {limit:g} s"
    if seconds <= limit:
        return f"{words})"
    slow = slowness()
    allowed = min(MARGIN * slow * limit, most)
    words += f"; {allowed:.1f} s on a machine {slow:.1f} times slower than a quiet one)"
    assert seconds <= allowed, words
    return words
