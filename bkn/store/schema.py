"""The store's tables, as numbered migrations; PRAGMA user_version counts those applied.

One row per recorded step: its scalars are one float32 BLOB, whose columns the stream names once.
A row per scalar would be 50 times slower to write and 400 times slower to read.
"""

import sqlite3
from pathlib import Path

from bkn.store.errors import StoreError, in_words, make_folder

MIGRATIONS = (
    """
    CREATE TABLE worker (
        id TEXT PRIMARY KEY, pid INTEGER NOT NULL, started REAL NOT NULL,
        beat REAL NOT NULL, state TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE race (
        id TEXT PRIMARY KEY, created REAL NOT NULL, definition TEXT NOT NULL,
        worker TEXT,                            -- the only one that may write to this race
        checkpoint INTEGER,                     -- step of the checkpoint on disk
        rewinds INTEGER NOT NULL DEFAULT 0      -- grows when rows were taken back
    ) WITHOUT ROWID;
    CREATE INDEX race_created ON race (created);
    CREATE TABLE run (
        id INTEGER PRIMARY KEY, race TEXT NOT NULL REFERENCES race (id),
        position INTEGER NOT NULL, experiment TEXT NOT NULL, label TEXT NOT NULL,
        status TEXT NOT NULL DEFAULT 'queued', step INTEGER NOT NULL DEFAULT 0,
        message TEXT NOT NULL DEFAULT '', summary TEXT NOT NULL DEFAULT '{}',
        UNIQUE (race, position)
    );
    CREATE INDEX run_status ON run (status);
    CREATE TABLE stream (
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run (id),
        name TEXT NOT NULL, columns TEXT NOT NULL, UNIQUE (run, name)
    );
    CREATE TABLE row (
        stream INTEGER NOT NULL, seq INTEGER NOT NULL, step INTEGER NOT NULL,
        time REAL NOT NULL, data BLOB NOT NULL, PRIMARY KEY (stream, seq)
    ) WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT, race TEXT NOT NULL REFERENCES race (id),
        step INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL
    );
    CREATE INDEX event_race ON event (race, id);
    """,
    """
    CREATE TABLE cost (
        id INTEGER PRIMARY KEY, method TEXT NOT NULL, options TEXT NOT NULL,
        network TEXT NOT NULL, batch INTEGER NOT NULL, micro_batch INTEGER NOT NULL,
        device TEXT NOT NULL, threads INTEGER NOT NULL,
        ratio REAL NOT NULL,                    -- of the two medians below
        step_ms REAL NOT NULL, baseline_ms REAL NOT NULL, rounds INTEGER NOT NULL,
        machine TEXT NOT NULL, measured_at REAL NOT NULL
    );
    CREATE INDEX cost_method ON cost (method, id);
    """,
    """
    CREATE TABLE document (                     -- what a run says once: its network, its layout
        run INTEGER NOT NULL REFERENCES run (id), name TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID;
    CREATE TABLE snapshot (                     -- form: bkn/snapshot.py
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run (id),
        step INTEGER NOT NULL, time REAL NOT NULL, data BLOB NOT NULL, UNIQUE (run, step)
    );
    """,
    """
    CREATE TABLE sweep (                        -- its jobs are races: race.job is the job as JSON
        id TEXT PRIMARY KEY, created REAL NOT NULL, definition TEXT NOT NULL,
        status TEXT NOT NULL,                   -- running, stopped, finished
        owner TEXT,                             -- worker id of the conductor that runs it
        message TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID;
    CREATE INDEX sweep_created ON sweep (created);
    ALTER TABLE race ADD COLUMN job TEXT
    """,
)
VERSION = len(MIGRATIONS)
ACTIVE = ("queued", "running", "paused")  # statuses of a run that is not over


def version(db: sqlite3.Connection, path: Path) -> int:
    """Migrations applied to this store; 0 for an empty file.

    Raises:
        StoreError: for a store that a newer BKN Lab wrote.
    """
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise StoreError(
            f"the store {path} has version {found}, this BKN Lab knows up to {VERSION}; "
            "update BKN Lab, or set BKN_HOME to another folder",
            "future",
        )
    return found


def open_for_writing(path: Path, timeout: float = 5.0) -> sqlite3.Connection:
    """Open a store, made and migrated if need be; transactions are begun by hand.

    Args:
        path: the database file; missing folders are made.
        timeout: seconds to wait for another writer.

    Raises:
        StoreError: damaged, locked, unwritable or from the future.
    """
    make_folder(path)
    with in_words(path):
        db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
        try:
            if version(db, path) < VERSION:
                db.execute("PRAGMA journal_mode=WAL")
                _migrate(db, path)
            db.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            db.close()
            raise
    return db


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    db.execute("BEGIN IMMEDIATE")  # another process may be migrating too: look again inside
    try:
        for number in range(version(db, path), VERSION):
            for statement in MIGRATIONS[number].split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version={number + 1}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
