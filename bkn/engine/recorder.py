"""The worker's writer thread: batches what is recorded into few transactions, and beats.

Whoever trains must not wait for the disk, so writes are queued as small functions and a thread of
their own commits them, ten times a second at the most, at once where it is urgent. Each
transaction carries the heartbeat and makes sure that the race is still this worker's.

A store that refuses (locked, full disk) is tried again for a few seconds; meanwhile `put` waits,
so that little is at stake. After that `error` is set and every call raises it.
"""

import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bkn.store.errors import StoreError
from bkn.store.writer import Writer

Write = Callable[[Writer], None]
T = TypeVar("T")

COMMIT_EVERY = 0.1  # seconds between commits, at the least
BEAT_EVERY = 0.25  # seconds between signs of life, at the most
IDLE_BEAT_EVERY = 1.0  # the same for a worker that waits for a race
RETRY_EVERY = 0.2  # seconds
PATIENCE = {"locked": 20.0, "full": 2.0}  # seconds that a refusal may last; others none


@dataclass
class _Item:
    write: Write
    first: Callable[[], None] | None  # done when all before is committed, outside of transactions


class Recorder:
    """Queues writes and commits them from a thread of its own.

    Args:
        path: the store.
        worker: id of this worker.

    Raises:
        StoreError: by `put` and `flush`, once the store has refused for too long.
    """

    def __init__(self, path: Path, worker: str):
        self.path, self.worker = path, worker
        self.state = "starting"  # starting, idle, racing: goes into the store with each beat
        self.race_id: str | None = None  # guarded: must belong to this worker
        self.error: Exception | None = None
        self._items: list[_Item] = []
        self._put, self._done = 0, 0  # how many items ever
        self._urgent = self._closing = self._refusing = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def put(
        self, write: Write, *, urgent: bool = False, first: Callable[[], None] | None = None
    ) -> None:
        """Queue a write.

        Args:
            write: is called with the Writer inside a transaction, again if that fails.
            urgent: commit at once rather than with the next batch.
            first: done between the commit of all earlier writes and this one.
        """
        with self._news:
            self._news.wait_for(lambda: not self._refusing or self.error)
            self._raise()
            self._items.append(_Item(write, first))
            self._put += 1
            self._urgent = self._urgent or urgent
            self._news.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was put is committed; False if that took too long."""
        with self._news:
            goal, self._urgent = self._put, True
            self._news.notify_all()
            done = self._news.wait_for(lambda: self._done >= goal or self.error, timeout)
            self._raise()
            return bool(done)

    def close(self) -> None:
        """Commit what is left and end the thread."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._thread.join()

    def _raise(self) -> None:
        if self.error:
            raise self.error

    def _run(self) -> None:
        try:
            with self._persist(lambda: Writer(self.path, timeout=0.5)) as writer:
                while self._turn(writer):
                    pass
        except Exception as error:  # not hidden: handed to whoever calls next
            with self._news:
                self.error = error
                self._news.notify_all()

    def _turn(self, writer: Writer) -> bool:
        """Wait for something to do and do it; False when closed and empty."""
        items = self._wait()
        batch: list[Write] = []
        for item in items:
            if item.first:
                self._commit(writer, batch)
                batch = []
                self._persist(item.first)
            batch.append(item.write)
        self._commit(writer, batch)
        with self._news:
            self._done += len(items)
            self._news.notify_all()
            return not self._closing or bool(self._items)

    def _wait(self) -> list[_Item]:
        began = time.monotonic()
        with self._news:
            while not (self._urgent or self._closing):
                beat_every = IDLE_BEAT_EVERY if self.state == "idle" else BEAT_EVERY
                due = began + (COMMIT_EVERY if self._items else beat_every)
                left = due - time.monotonic()
                if left <= 0:
                    break
                self._news.wait(left)
            items, self._items, self._urgent = self._items, [], False
            return items

    def _commit(self, writer: Writer, batch: list[Write]) -> None:
        def attempt() -> None:
            with writer.transaction():
                if self.race_id:
                    writer.claim(self.race_id, self.worker)
                writer.beat(self.worker, os.getpid(), self.state)
                for write in batch:
                    write(writer)

        self._persist(attempt)

    def _persist(self, attempt: Callable[[], T]) -> T:
        """Try until it works or patience ends."""
        refused_at = math.inf
        while True:
            try:
                result = attempt()
            except StoreError as error:
                now = time.monotonic()
                refused_at = min(refused_at, now)
                if now - refused_at >= PATIENCE.get(error.kind, 0.0):
                    raise
                self._set_refusing(True)
                time.sleep(RETRY_EVERY)
            else:
                self._set_refusing(False)
                return result

    def _set_refusing(self, refusing: bool) -> None:
        if refusing != self._refusing:
            with self._news:
                self._refusing = refusing
                self._news.notify_all()
