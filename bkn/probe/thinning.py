"""Which snapshots of a run are kept: a growing run keeps fewer and fewer of its past."""

from typing import Any

MOST_SNAPSHOTS = 200  # of a run
MOST_BYTES = 48 * 2**20  # of a run's snapshots


def most_snapshots(size: int) -> int:
    """How many snapshots of so many bytes a run keeps, at least 2: the first and the newest."""
    return max(2, min(MOST_SNAPSHOTS, MOST_BYTES // max(1, size)))


class Thinning:
    """Keeps the first snapshot, the newest, and between them every interval-th.

    When there are too many, every second one goes and the interval doubles.

    Args:
        most: snapshots kept at a time, at least 2.
    """

    def __init__(self, most: int):
        self.most = most
        self._interval, self._taken = 1, 0
        self._kept: list[tuple[int, int]] = []  # number and step of each

    @property
    def steps(self) -> list[int]:
        """After which steps the kept ones were taken."""
        return [step for _, step in self._kept]

    def add(self, step: int) -> list[int]:
        """Take in a snapshot; returns the steps of those that go."""
        before = self.steps
        if self._kept and self._kept[-1][0] % self._interval:  # it was kept as the newest only
            self._kept.pop()
        self._kept.append((self._taken, step))
        self._taken += 1
        while len(self._kept) > self.most:
            self._interval *= 2
            newest = self._kept[-1]
            self._kept = [
                one for one in self._kept if one[0] % self._interval == 0 or one is newest
            ]
        return sorted(set(before) - set(self.steps))

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"interval": self._interval, "taken": self._taken, "kept": list(self._kept)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with the same grid."""
        self._interval, self._taken = state["interval"], state["taken"]
        self._kept = [(number, step) for number, step in state["kept"]]
