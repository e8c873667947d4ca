"""One race, or the results of one sweep, as a small store of its own: to ship it or hand it on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

from bkn.store.errors import StoreError, in_words
from bkn.store.reader import Reader
from bkn.store.schema import open_for_writing
from bkn.store.sweeps import sweep_row

# In the order of their references; what belongs to the races whose ids are in main.wanted.
_BELONGS = {
    "race": "id IN (SELECT id FROM temp.wanted)",
    "run": "race IN (SELECT id FROM temp.wanted)",
    "stream": "run IN (SELECT id FROM main.run)",
    "row": "stream IN (SELECT id FROM main.stream)",
    "document": "run IN (SELECT id FROM main.run)",
    "snapshot": "run IN (SELECT id FROM main.run)",
    "event": "race IN (SELECT id FROM temp.wanted)",
}
_RESULTS = _BELONGS | {"stream": _BELONGS["stream"] + " AND name='test'"}


def copy_race(source: Path, target: Path, race_id: str) -> None:
    """Copy one race into a new store without a write-ahead log; read it with `immutable=True`.

    Args:
        source: the store that holds the race; it may be in use.
        target: the file to make.
        race_id: which race.

    Raises:
        FileExistsError: if the target exists.
        KeyError: if the source holds no such race.
        StoreError: if either store cannot be used.
    """
    with _copied(source, target, [race_id], _BELONGS) as db:
        known = db.execute("SELECT 1 FROM main.race").fetchone()
    if not known:
        target.unlink()
        raise KeyError(race_id)


def copy_sweep(source: Path, target: Path, sweep_id: str) -> None:
    """Likewise one sweep, with what its jobs reached at every test and at the end.

    Args:
        source: the store that holds the sweep; it may be in use.
        target: the file to make.
        sweep_id: which sweep.

    Raises:
        FileExistsError: if the target exists.
        KeyError: if the source holds no such sweep.
        StoreError: if either store cannot be used.
    """
    reader = Reader(source)
    row = sweep_row(reader, sweep_id)
    reader.close()
    if row is None:
        raise KeyError(sweep_id)
    jobs = [job.id for job in row.sweep.jobs]
    with _copied(source, target, jobs, _RESULTS) as db:
        db.execute("INSERT INTO main.sweep SELECT * FROM source.sweep WHERE id=?", (sweep_id,))
        db.execute("UPDATE main.sweep SET owner=NULL")


@contextmanager
def _copied(
    source: Path, target: Path, races: Sequence[str], belongs: dict[str, str]
) -> Iterator[Connection]:
    """Copy what belongs to these races; more can be copied inside the same transaction."""
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    if not source.exists():
        raise StoreError(f"there is no store at {source}", "missing")
    db = open_for_writing(target)
    try:
        with in_words(source):
            db.execute("ATTACH ? AS source", (f"{source.resolve().as_uri()}?mode=ro",))
            db.execute("CREATE TEMP TABLE wanted (id TEXT PRIMARY KEY)")
            db.executemany("INSERT INTO temp.wanted VALUES (?)", [(one,) for one in races])
        with in_words(target):
            db.execute("BEGIN IMMEDIATE")
            for table, condition in belongs.items():
                db.execute(
                    f"INSERT INTO main.{table} SELECT * FROM source.{table} WHERE {condition}"
                )
            db.execute("UPDATE main.race SET worker=NULL, checkpoint=NULL")  # they stay behind
            yield db
            db.execute("COMMIT")
            db.execute("DETACH source")
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute("VACUUM")
    finally:
        db.close()
