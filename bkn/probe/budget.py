"""The probe watches its own cost and waits until it has earned the next look."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_GAP = 1.0  # seconds between two steps that count as time of the race; more was a pause


class Budget:
    """Keeps the time spent on probing below a share of the race's time.

    Args:
        share: of the time, at the most.
        clock: seconds, monotonic; tests hand in their own.
    """

    def __init__(self, share: float = 0.1, clock: Callable[[], float] = time.monotonic):
        self.share, self._clock = share, clock
        self._last: float | None = None
        self._elapsed = self._spent = 0.0  # seconds
        self._rounds = 0

    @property
    def used(self) -> float:
        """Share of the race's time spent on probing so far, 0..1."""
        return self._spent / self._elapsed if self._elapsed else 0.0

    def tick(self) -> None:
        """Count the time since the last tick; called once per step."""
        now = self._clock()
        if self._last is not None:
            self._elapsed += min(now - self._last, LONGEST_GAP)
        self._last = now

    def allows(self) -> bool:
        """Whether another round, at the average cost, stays within the share.

        The first round is free: without it there is no picture and no known cost.
        """
        if not self._rounds:
            return True
        expected = self._spent / self._rounds
        return self._spent + expected <= self.share * self._elapsed

    def open_round(self) -> None:
        """Note that all runs are about to be probed once more."""
        self._rounds += 1

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time of the block as spent on probing."""
        began = self._clock()
        yield
        self._spent += self._clock() - began
