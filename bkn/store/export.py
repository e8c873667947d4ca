"""One race as a small store of its own: to ship a recorded race, or to hand one on."""

from pathlib import Path

from bkn.store.errors import StoreError, in_words
from bkn.store.schema import open_for_writing

# In the order of their references; what belongs to the race named by the parameter.
_BELONGS = {
    "race": "id=:race",
    "run": "race=:race",
    "stream": "run IN (SELECT id FROM main.run)",
    "row": "stream IN (SELECT id FROM main.stream)",
    "document": "run IN (SELECT id FROM main.run)",
    "snapshot": "run IN (SELECT id FROM main.run)",
    "event": "race=:race",
}


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
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    if not source.exists():
        raise StoreError(f"there is no store at {source}", "missing")
    db = open_for_writing(target)
    try:
        with in_words(source):
            db.execute("ATTACH ? AS source", (f"{source.resolve().as_uri()}?mode=ro",))
            known = db.execute("SELECT 1 FROM source.race WHERE id=?", (race_id,)).fetchone()
        with in_words(target):
            db.execute("BEGIN IMMEDIATE")
            for table, belongs in _BELONGS.items():
                db.execute(
                    f"INSERT INTO main.{table} SELECT * FROM source.{table} WHERE {belongs}",
                    {"race": race_id},
                )
            db.execute("UPDATE race SET worker=NULL, checkpoint=NULL")  # they stay behind
            db.execute("COMMIT")
            db.execute("DETACH source")
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute("VACUUM")
    finally:
        db.close()
    if not known:
        target.unlink()
        raise KeyError(race_id)
