"""Fetching a dataset, from the server: how far `python -m bkn data` is."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bkn.engine.following import Following

PACE_SECONDS = 5.0  # bytes per second are measured over this long


@dataclass(frozen=True)
class Fetched:
    """How far a dataset is."""

    running: bool = False
    key: str = ""  # of the dataset, also of the one that was fetched last
    what: str = ""  # "waiting", "checking", "downloading" or "unpacking"; "" at first
    done: int = 0  # bytes that are here
    total: int = 0
    pace: float = 0.0  # bytes per second, 0 where it is not known
    failure: str = ""  # why the last one failed
    finished: int = 0  # datasets so far, since the server started


class Fetching(Following):
    """At most one dataset at a time.

    Args:
        home: folder of the store.
    """

    def __init__(self, home: Path):
        super().__init__(home, "data", "another dataset is being fetched; wait for its end")
        self._key, self._failure, self._finished = "", "", 0
        self._now: Mapping[str, Any] = {}
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def progress(self) -> Fetched:
        """How far it is now."""
        with self._lock:
            if self._process is None:
                return Fetched(key=self._key, failure=self._failure, finished=self._finished)
            now = {"what": "", "done": 0, "total": 0, **self._now}
            return Fetched(
                True, self._key, now["what"], now["done"], now["total"], self._pace(),
                finished=self._finished,
            )  # fmt: skip

    def start(self, key: str) -> None:
        """Fetch this dataset.

        Raises:
            ValueError: if one is being fetched, or no process can be started.
        """
        with self._lock:
            self.launch([key])
            self._key, self._failure, self._now = key, "", {}
            self._samples.clear()

    def hear(self, said: Mapping[str, Any]) -> None:
        if "fetching" in said:
            self._now = said
            if said["what"] == "downloading":
                now = time.monotonic()
                self._samples.append((now, said["done"]))
                while now - self._samples[0][0] > PACE_SECONDS:
                    self._samples.popleft()
        elif "fetched" in said:
            self._finished += 1
        elif "failed" in said:
            self._failure = said["why"]

    def broke(self, status: int, last: str) -> None:
        self._failure = self._failure or last or f"its process ended with {status}"

    def _pace(self) -> float:
        if len(self._samples) < 2:
            return 0.0
        (began, first), (now, last) = self._samples[0], self._samples[-1]
        return max(0.0, (last - first) / (now - began)) if now > began else 0.0
