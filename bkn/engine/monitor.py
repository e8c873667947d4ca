"""Who is dead, who hangs, and what their races are told. No race is ever left running.

The monitor looks at its own server's workers several times a second, and every now and then at
races of other servers whose worker has vanished. A worker is dead when its process is, and hangs
when its heartbeat in the store stands still; then it is killed, as nothing else helps.
"""

import os
import time
from pathlib import Path

from bkn.engine.process import WorkerProcess
from bkn.store.home import checkpoint_path, store_path
from bkn.store.reader import Reader
from bkn.store.records import RaceRow
from bkn.store.writer import Writer

HUNG_AFTER = 5.0  # seconds without a heartbeat


def close_race(home: Path, race: RaceRow, why: str) -> None:
    """Mark the runs of a race whose worker is gone, and take the race from that worker.

    Interrupted where a checkpoint lets it go on, else failed.

    Raises:
        StoreError: when the store cannot be written.
    """
    message, status = f"{why}; there is no checkpoint to continue from", "failed"
    if race.checkpoint is not None and checkpoint_path(home, race.id).exists():
        message, status = f"{why}; it can be resumed from step {race.checkpoint}", "interrupted"
    with Writer(store_path(home), timeout=1.0) as writer, writer.transaction():
        writer.end_race(race.id, status, message)
        writer.release(race.id)
        if race.worker:
            writer.forget_worker(race.worker)


def epitaph(worker: WorkerProcess, hung: bool) -> str:
    """Why a worker of ours is gone, in words."""
    if hung:
        return f"the worker gave no sign of life for {HUNG_AFTER:g} seconds and was ended"
    code = worker.process.returncode
    if code < 0:
        return f"the worker was killed (signal {-code})"
    words = worker.last_words(1)
    return f"the worker ended (exit code {code})" + (f": {words}" if words else "")


def kill_if_hung(worker: WorkerProcess, reader: Reader) -> bool:
    """Kill a worker whose heartbeat stands still; True if that was needed."""
    row = reader.worker(worker.id)
    if worker.silent_for(row.beat if row else 0.0) < HUNG_AFTER or not _writable(reader.path):
        return False
    worker.process.kill()
    worker.process.wait()
    return True


def close_orphans(home: Path, reader: Reader, own: set[str]) -> None:
    """Close the races of workers that nobody looks after any more.

    Args:
        home: folder of the store.
        reader: of the store.
        own: ids of this server's workers, which are looked after elsewhere.
    """
    for race in reader.active_races():
        if race.worker not in own and not _lives(race):
            close_race(home, race, "its server ended")


def _lives(race: RaceRow) -> bool:
    """Whether the worker of another server still works on a race."""
    if race.worker is None:
        return False
    if race.pid is None or race.beat is None:  # has not reported yet
        return time.time() - race.created < HUNG_AFTER
    return time.time() - race.beat < HUNG_AFTER and _process_exists(race.pid)


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _writable(path: Path) -> bool:
    """Whether heartbeats could be written at all: a locked store is not the worker's fault."""
    from bkn.store.errors import StoreError

    try:
        with Writer(path, timeout=0.1) as writer, writer.transaction():
            return True
    except StoreError as error:
        return error.kind != "locked"
