"""Who is dead, who hangs, and whose races nobody looks after: no race is left running for ever.

A worker is dead when its process is, and hangs when its heartbeat in the store stands still; then
it is killed, as nothing else helps. Races of other servers are closed when both their process
and their heartbeat say that nobody is there.
"""

import os
import time
from pathlib import Path

from bkn.engine.closing import close_race
from bkn.engine.process import WorkerProcess, how_it_ended
from bkn.store.errors import StoreError
from bkn.store.reader import Reader
from bkn.store.records import RaceRow
from bkn.store.writer import Writer

HUNG_AFTER = 5.0  # seconds without a heartbeat
STARTING_WITHIN = 30.0  # the same while Python comes up and torch is imported, which holds all back


def epitaph(worker: WorkerProcess) -> str:
    """Why a worker of ours is gone, as a sentence."""
    if worker.hung:
        return f"The worker gave no sign of life for {worker.hung:g} seconds and was ended."
    return how_it_ended(worker.process.returncode, worker.last_words(1))


def kill_if_hung(worker: WorkerProcess, reader: Reader) -> None:
    """Kill a worker that lives but whose heartbeat stands still."""
    row = reader.worker(worker.id)
    beat = row.beat if row else 0.0
    starting = row is None or row.state == "starting" or not worker.has_beaten(beat)
    patience = STARTING_WITHIN if starting else HUNG_AFTER
    if worker.silent_for(beat) >= patience and worker.alive and not _locked(reader.path):
        worker.hung = patience
        worker.process.kill()
        worker.process.wait()


def close_orphans(home: Path, reader: Reader, own: set[str]) -> None:
    """Close the races of workers that nobody looks after any more.

    Args:
        home: folder of the store.
        reader: of the store.
        own: ids of this server's workers, which are looked after elsewhere.
    """
    for race in reader.active_races():
        if race.worker not in own and not _lives(race):
            close_race(home, race, "The server that ran it ended.")


def _lives(race: RaceRow) -> bool:
    """Whether the worker of another server still works on a race."""
    if race.pid is None or race.beat is None:
        return False
    return time.time() - race.beat < HUNG_AFTER and _process_exists(race.pid)


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _locked(path: Path) -> bool:
    """Whether heartbeats cannot be written now: that is not the worker's fault."""
    try:
        with Writer(path, timeout=0.1) as writer, writer.transaction():
            return False
    except StoreError as error:
        return error.kind == "locked"
