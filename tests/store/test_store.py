"""What is written is read back: races, runs, rows, events; several at once, and one alone."""

import math
import sqlite3

import numpy as np
import pytest

from bkn.experiment import Race
from bkn.store.errors import StoreError
from bkn.store.export import copy_race
from bkn.store.facts import store_facts
from bkn.store.reader import Reader
from bkn.store.schema import VERSION
from bkn.store.writer import Writer

RACE = Race.of(["batch", "kalman"])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "runs.db"


@pytest.fixture
def writer(path):
    with Writer(path) as writer, writer.transaction():
        writer.add_race("r1", RACE, "w1")
    with Writer(path) as writer:
        yield writer


@pytest.fixture
def reader(path):
    reader = Reader(path)
    yield reader
    reader.close()


def fill(writer, steps, stream="train", columns=("loss", "lr")):
    run = writer.run_ids("r1")[0]
    with writer.transaction():
        writer.set_columns(run, stream, columns)
        for step in steps:
            writer.add_row(run, stream, step, step / 10, [float(step)] * len(columns))
    return run


def test_a_missing_store_reads_as_empty_and_is_not_made(path, reader):
    assert reader.race("r1") is None
    assert reader.races() == reader.runs("r1") == reader.events("r1") == []
    assert len(reader.rows(1, "train")) == 0
    assert not path.parent.exists()


def test_a_store_that_appears_later_or_is_replaced_is_seen(path, reader):
    assert reader.races() == []
    for name in ("r1", "r2"):
        with Writer(path) as writer, writer.transaction():
            writer.add_race(name, RACE)
        assert [row.id for row in reader.races()] == [name]
        path.rename(path.with_name(f"old {name}.db"))  # the log is merged in by close


def test_race_and_runs_come_back_equal(writer, reader):
    row = reader.race("r1")
    assert row.race == RACE
    assert (row.status, row.worker, row.checkpoint) == ("queued", "w1", None)
    runs = reader.runs("r1")
    assert tuple(run.experiment for run in runs) == RACE.experiments
    assert tuple(run.label for run in runs) == RACE.labels


def test_rows_come_back_in_float32_and_after_a_number(writer, reader):
    run = fill(writer, [1, 2, 5])
    with writer.transaction():
        writer.add_row(run, "train", 7, 0.7, [0.1, math.nan])
    rows = reader.rows(run, "train")
    assert rows.seq.tolist() == [1, 2, 3, 4]
    assert rows.step.tolist() == [1, 2, 5, 7]
    assert rows.time.tolist() == [0.1, 0.2, 0.5, 0.7]
    np.testing.assert_array_equal(rows.values[-1], np.float32([0.1, math.nan]))
    assert reader.rows(run, "train", after=2).step.tolist() == [5, 7]
    assert reader.rows(run, "train", after=1, limit=2).step.tolist() == [2, 5]
    assert reader.columns(run, "train") == ["loss", "lr"]
    assert reader.runs("r1")[0].step == 7


def test_a_failed_transaction_leaves_nothing_and_numbers_go_on(writer, reader):
    run = fill(writer, [1])

    def half():
        with writer.transaction():
            writer.add_row(run, "train", 2, 0.2, [1.0, 1.0])
            writer.add_row(run, "train", 3, 0.3, ["not a number"])

    with pytest.raises(TypeError):
        half()
    fill(writer, [3])
    assert reader.rows(run, "train").seq.tolist() == [1, 2]
    assert reader.rows(run, "train").step.tolist() == [1, 3]


def test_a_rewound_race_forgets_later_rows_and_events(writer, reader):
    run = fill(writer, [1, 2, 3, 4])
    with writer.transaction():
        writer.add_event("r1", 2, 0.2, "lr", {"value": 0.1})
        writer.add_event("r1", 3, 0.3, "lr", {"value": 0.2})
        writer.rewind("r1", 2)
    assert reader.rows(run, "train").step.tolist() == [1, 2]
    assert [event.step for event in reader.events("r1")] == [2]
    assert reader.race("r1").rewinds == 1
    fill(writer, [3])
    assert reader.rows(run, "train").step.tolist() == [1, 2, 3]


def test_columns_are_named_once(writer):
    fill(writer, [1])
    fill(writer, [2])  # the same names again are fine
    with pytest.raises(ValueError, match="other columns"):
        fill(writer, [3], columns=("loss", "gain"))


def test_ending_a_race_marks_only_what_is_not_over(writer, reader):
    first, second = writer.run_ids("r1")
    with writer.transaction():
        writer.set_status(first, "diverged", 5, "too fast")
        writer.set_status(second, "paused", 9)
        assert writer.end_race("r1", "interrupted", "its worker was killed") == 1
    runs = reader.runs("r1")
    assert [(run.status, run.message) for run in runs] == [
        ("diverged", "too fast"),
        ("interrupted", "its worker was killed"),
    ]
    assert reader.race("r1").status == "interrupted"
    assert reader.active_races() == []


def test_a_worker_that_lost_its_race_may_not_write(writer):
    with writer.transaction():
        writer.claim("r1", "w1")
        writer.hand_over("r1", "w2")
    with pytest.raises(StoreError, match="no longer belongs"), writer.transaction():
        writer.claim("r1", "w1")


def test_one_race_alone_in_a_file_that_needs_no_log(writer, reader, path, tmp_path):
    run = fill(writer, range(1, 100))
    with writer.transaction():
        writer.add_race("r2", RACE)
        writer.add_event("r1", 3, 0.3, "lr", {"value": 0.2})
    folder = tmp_path / "recorded"
    copy_race(path, folder / "race.db", "r1")
    assert [file.name for file in folder.iterdir()] == ["race.db"]
    (folder / "race.db").chmod(0o444)
    folder.chmod(0o555)
    alone = Reader(folder / "race.db", immutable=True)
    try:
        assert [row.id for row in alone.races()] == ["r1"]
        assert alone.runs("r1") == reader.runs("r1")
        np.testing.assert_array_equal(
            alone.rows(run, "train").values, reader.rows(run, "train").values
        )
        assert [event.kind for event in alone.events("r1")] == ["lr"]
        assert [file.name for file in folder.iterdir()] == ["race.db"]
    finally:
        alone.close()
        folder.chmod(0o755)
    careless = Reader(folder / "race.db")  # even so nothing appears beside it
    assert len(careless.races()) == 1
    assert [file.name for file in folder.iterdir()] == ["race.db"]
    careless.close()
    with pytest.raises(KeyError, match="nobody"):
        copy_race(path, folder / "other.db", "nobody")
    with pytest.raises(FileExistsError):
        copy_race(path, folder / "race.db", "r1")
    assert [file.name for file in folder.iterdir()] == ["race.db"]


def test_a_reader_knows_whether_there_is_news(writer, reader, path):
    before = reader.news()
    assert reader.news() == before
    fill(writer, range(3))
    assert reader.news() != before
    reader.close()
    now = reader.news()
    assert now != before  # another connection counts from somewhere else
    assert now == reader.news()


def test_a_store_from_the_future_is_refused_in_words(writer, reader, path):
    writer.db.execute(f"PRAGMA user_version={VERSION + 1}")
    for use in (lambda: Writer(path), reader.races):
        with pytest.raises(StoreError, match=rf"has version {VERSION + 1}.*update BKN Lab"):
            use()


def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path):
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match=r"its folder cannot be made .* by BKN_HOME") as refused:
        Writer(tmp_path / "home" / "runs.db")
    assert refused.value.kind == "unwritable"


def test_a_damaged_file_is_told_in_words(path, reader, tmp_path):
    path.parent.mkdir()
    path.write_bytes(b"this is a shopping list, " * 400)
    for use in (lambda: Writer(path), reader.races):
        with pytest.raises(StoreError, match=r"damaged.*move the file away"):
            use()
    facts = store_facts(path.parent)
    assert "damaged" in facts.problem
    assert facts.size == 10000


def test_a_page_torn_out_of_the_middle_is_told_in_words(writer, reader, path):
    run = fill(writer, range(3000))
    writer.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096 * 8)
        file.write(b"\xff" * (size - 4096 * 8))
    with pytest.raises(StoreError, match="damaged"):
        reader.rows(run, "train")


def test_a_locked_store_is_told_in_words(writer, path):
    with writer.transaction(), Writer(path, timeout=0.01) as other:
        with pytest.raises(StoreError, match="locked") as caught, other.transaction():
            pass
        assert caught.value.kind == "locked"


def test_a_full_disk_is_told_in_words_and_loses_nothing_written(writer, reader):
    run = fill(writer, range(10))
    pages = writer.db.execute("PRAGMA page_count").fetchone()[0]
    writer.db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError, match="disk is full; free some space") as caught:
        fill(writer, range(10, 5000))
    assert caught.value.kind == "full"
    assert len(reader.rows(run, "train")) == 10
    with writer.transaction():  # a status still fits into the pages there are
        writer.end_race("r1", "interrupted", "the disk is full")
    assert reader.race("r1").status == "interrupted"


def test_readers_see_only_whole_transactions_while_a_writer_writes(writer, reader):
    run = fill(writer, range(3))
    with writer.transaction():
        writer.add_row(run, "train", 9, 0.9, [0.0, 0.0])
        assert len(reader.rows(run, "train")) == 3
    assert len(reader.rows(run, "train")) == 4


def test_a_reader_cannot_write(writer, reader):
    reader.races()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._db.execute("DELETE FROM race")


def test_facts(writer, path):
    facts = store_facts(path.parent)
    assert (facts.path, facts.runs, facts.problem) == (path, 2, "")
    assert facts.size > 4096
    assert facts.free > 0
    nowhere = store_facts(path.parent / "not" / "made")
    assert (nowhere.size, nowhere.runs, nowhere.problem) == (0, 0, "")


def test_facts_of_a_home_that_is_a_file_say_so(tmp_path):
    (tmp_path / "file").touch()
    facts = store_facts(tmp_path / "file")
    assert "cannot be read (Not a directory); name another folder by BKN_HOME" in facts.problem
    assert (facts.size, facts.runs) == (0, 0)
