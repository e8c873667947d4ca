"""Signs of life of a conductor, from a thread of their own: an executor may keep it waiting."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bkn.store.errors import StoreError
from bkn.store.home import store_path
from bkn.store.writer import Writer

BEAT_EVERY = 0.5  # seconds
STUCK_AFTER = 120.0  # seconds in one turn after which a conductor does not count as alive


class Beating:
    """Beats in a worker's name while there is something to beat for.

    Args:
        home: folder of the store.
        worker: in whose name.
        busy: whether it has work.
    """

    def __init__(self, home: Path, worker: str, busy: Callable[[], bool]):
        self.home, self.worker, self._busy = home, worker, busy
        self.turned_at = time.monotonic()  # when the conductor last took a turn
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beating", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(BEAT_EVERY):
            if self._busy() and time.monotonic() - self.turned_at < STUCK_AFTER:
                self._beat()

    def _beat(self) -> None:
        try:
            with Writer(store_path(self.home), timeout=1.0) as writer, writer.transaction():
                writer.beat(self.worker, os.getpid(), "conducting")
        except StoreError:
            return  # the conductor meets it too, and says so
