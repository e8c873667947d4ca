"""The probe watches its own cost and waits until it has earned the next look."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_GAP = 1.0  # seconds between two steps that count as time of the race; more was a pause
LIGHT, FULL = "light", "full"


class Budget:
    """Keeps the time spent on probing below a share of the race's time.

    Rounds are of several kinds, which differ in cost.

    Args:
        share: of the time, at the most.
        clock: seconds, monotonic; tests hand in their own.
    """

    def __init__(self, share: float = 0.1, clock: Callable[[], float] = time.monotonic):
        self.share, self._clock = share, clock
        self._last: float | None = None
        self._elapsed = 0.0  # seconds
        self._spent: dict[str, float] = {}  # seconds by kind
        self._rounds: dict[str, int] = {}  # opened so far, by kind

    @property
    def used(self) -> float:
        """Share of the race's time spent on probing so far, 0..1."""
        return sum(self._spent.values()) / self._elapsed if self._elapsed else 0.0

    def tick(self) -> None:
        """Count the time since the last tick; called once per step."""
        now = self._clock()
        if self._last is not None:
            self._elapsed += min(now - self._last, LONGEST_GAP)
        self._last = now

    def cost(self, kind: str) -> float | None:
        """Seconds that a round of this kind took on average; None before the first."""
        if kind not in self._rounds:
            return None
        return self._spent.get(kind, 0.0) / self._rounds[kind]

    def allows(self, kind: str = LIGHT) -> bool:
        """Whether another round, at the average cost, stays within the share.

        The first round is free: without it there is no picture and no known cost. A kind that was
        not tried yet is expected to cost as much as the average of all.
        """
        rounds, spent = sum(self._rounds.values()), sum(self._spent.values())
        if not rounds:
            return True
        expected = self.cost(kind)
        expected = spent / rounds if expected is None else expected
        return spent + expected <= self.share * self._elapsed

    def within(self, kind: str, part: float) -> bool:
        """Whether another round of a tried kind keeps that kind within a part of the share."""
        expected = self._spent[kind] * (1 + 1 / self._rounds[kind])
        return expected <= part * self.share * self._elapsed

    def open_round(self, kind: str = LIGHT) -> None:
        """Note that all runs are about to be probed once more."""
        self._rounds[kind] = self._rounds.get(kind, 0) + 1

    @contextmanager
    def spending(self, kind: str = LIGHT) -> Iterator[None]:
        """Count the time of the block as spent on probing."""
        began = self._clock()
        yield
        self._spent[kind] = self._spent.get(kind, 0.0) + self._clock() - began
