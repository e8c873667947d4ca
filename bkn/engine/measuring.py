"""Measuring what methods cost, from the server: how far `python -m bkn cost` is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bkn.engine.following import Following


@dataclass(frozen=True)
class Progress:
    """How far the measurement is."""

    running: bool = False
    method: str = ""  # key of the one that is measured now
    number: int = 0  # from 1
    of: int = 0
    done: int = 0  # results so far, since the server started
    failures: dict[str, str] = field(default_factory=dict)  # key: why, of the last measurement


class Measuring(Following):
    """At most one measurement.

    Args:
        home: folder of the store.
    """

    def __init__(self, home: Path):
        super().__init__(home, "cost", "a measurement is under way; wait for its end or cancel it")
        self._keys: list[str] = []
        self._now: dict[str, int | str] = {}
        self._done = 0
        self._failures: dict[str, str] = {}

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        with self._lock:
            failures = dict(self._failures)
            if self._process is None:
                return Progress(done=self._done, failures=failures)
            now = {"method": "", "number": 0, "of": 0, **self._now}
            return Progress(
                True, str(now["method"]), int(now["number"]), int(now["of"]), self._done, failures
            )

    def start(self, keys: Sequence[str]) -> None:
        """Measure these methods one after the other.

        Raises:
            ValueError: if a measurement is under way, or no process can be started.
        """
        with self._lock:
            self.launch(keys)
            self._keys, self._failures, self._now = list(keys), {}, {"of": len(keys)}

    def hear(self, said: Mapping[str, Any]) -> None:
        if "measuring" in said:
            self._now = {k: said[k] for k in ("number", "of")} | {"method": said["measuring"]}
        elif "measured" in said:
            self._done += 1
        elif "failed" in said:
            self._failures[said["failed"]] = said["why"]

    def broke(self, status: int, last: str) -> None:
        if status != 1 or not self._failures:
            key = str(self._now.get("method") or self._keys[0])
            self._failures[key] = last or f"its process ended with {status}"
