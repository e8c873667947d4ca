"""What the runs of a race are told when its worker cannot go on. Needs no torch."""

from pathlib import Path

from bkn.store.home import checkpoint_path, store_path
from bkn.store.records import RaceRow
from bkn.store.writer import Writer

JOB_ENDED = "The sweep that ran it was ended; continue it and this is trained anew."


def is_resumable(home: Path, race: RaceRow) -> bool:
    """Whether a checkpoint lets the race go on."""
    return race.checkpoint is not None and checkpoint_path(home, race.id).exists()


def words_of_an_end(home: Path, race: RaceRow, why: str) -> tuple[str, str]:
    """Status and message of runs whose worker is gone."""
    if race.job is not None:
        return "interrupted", JOB_ENDED
    if is_resumable(home, race):
        return "interrupted", f"{why} It can be resumed from step {race.checkpoint}."
    return "failed", f"{why} There is no checkpoint to continue from."


def close_race(home: Path, race: RaceRow, why: str) -> None:
    """Mark the open runs of a race and take it from its worker, who may write no more.

    They are interrupted where a checkpoint lets the race go on, or a sweep trains it anew; else
    failed.

    Args:
        home: folder of the store.
        race: as last read.
        why: a sentence.

    Raises:
        StoreError: when the store cannot be written.
    """
    status, message = words_of_an_end(home, race, why)
    with Writer(store_path(home), timeout=1.0) as writer, writer.transaction():
        writer.end_race(race.id, status, message)
        writer.release(race.id)
