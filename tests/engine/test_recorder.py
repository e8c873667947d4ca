"""The writer thread: batches, heartbeats, and a store that refuses."""

import threading

import pytest

from bkn.engine import recorder as recorder_module
from bkn.engine.recorder import Recorder
from bkn.engine.sink import StoreSink
from bkn.experiment import Race
from bkn.store.errors import StoreError
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from tests.patience import PATIENCE, assert_fast, seconds_until, until

RACE = Race.of(["batch", "group"])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "runs.db"
    with Writer(path) as writer, writer.transaction():
        writer.add_race("r1", RACE, "w1")
    return path


@pytest.fixture
def reader(path):
    reader = Reader(path)
    yield reader
    reader.close()


@pytest.fixture
def recorder(path):
    recorder = Recorder(path, "w1")
    yield recorder
    recorder.close()


@pytest.fixture
def sink(recorder, reader):
    recorder.race_id, recorder.state = "r1", "racing"
    sink = StoreSink(recorder, "r1", [run.id for run in reader.runs("r1")])
    sink.columns(0, "train", ["loss"])
    return sink


def rows(reader):
    return reader.rows(reader.runs("r1")[0].id, "train")


def test_what_is_put_is_committed_in_order(sink, recorder, reader):
    for step in range(1, 50):
        sink.row(0, "train", step, [step])
    sink.summary(0, {"test_accuracy": 0.9})
    sink.status(0, "finished", 49)
    sink.event(49, "stop", {"a": 1})
    assert recorder.flush(PATIENCE)
    assert rows(reader).step.tolist() == list(range(1, 50))
    run = reader.runs("r1")[0]
    assert (run.status, run.step, run.summary) == ("finished", 49, {"test_accuracy": 0.9})
    assert [(event.kind, event.payload) for event in reader.events("r1")] == [("stop", {"a": 1})]


def test_rows_come_in_batches_but_the_first_at_once(sink, recorder, reader, monkeypatch):
    monkeypatch.setattr(recorder_module, "COMMIT_EVERY", 3600.0)
    sink.row(0, "train", 1, [1.0])
    until(lambda: len(rows(reader)) == 1, "the first row")
    sink.row(0, "train", 2, [1.0])
    assert recorder.flush(PATIENCE)
    assert len(rows(reader)) == 2


def test_a_row_is_on_disk_within_a_fifth_of_a_second(sink, recorder, reader):
    sink.row(0, "train", 1, [1.0])
    recorder.flush(PATIENCE)
    sink.row(0, "train", 2, [1.0])
    seconds = seconds_until(lambda: len(rows(reader)) == 2, "the second row")
    assert_fast("a row on disk", seconds, 1.0, most=30.0)  # 0.1 s, and a busy machine


def test_it_beats_without_being_asked(recorder, reader):
    first = until(lambda: reader.worker("w1"), "a heartbeat")
    assert first.state == "starting"
    recorder.state = "idle"
    later = until(lambda: (row := reader.worker("w1")).beat > first.beat and row, "another")
    assert later.pid == first.pid


def test_paused_runs_are_shown_as_paused_until_they_go_on(sink, recorder, reader):
    def statuses():
        recorder.flush(PATIENCE)
        return [run.status for run in reader.runs("r1")]

    sink.pause(0, True)
    assert statuses() == ["paused", "paused"]
    sink.status(0, "running", 0)
    sink.status(1, "diverged", 1)
    assert statuses() == ["paused", "diverged"]
    sink.pause(1, False)
    assert statuses() == ["running", "diverged"]


def test_a_race_that_was_taken_away_is_not_written_to(sink, recorder, reader, path):
    with Writer(path) as writer, writer.transaction():
        writer.hand_over("r1", "w2")

    def write():
        sink.row(0, "train", 1, [1.0])
        recorder.flush(PATIENCE)

    with pytest.raises(StoreError, match="no longer belongs") as caught:
        write()
    assert caught.value.kind == "lost"
    assert len(rows(reader)) == 0


def test_a_locked_store_delays_but_loses_nothing(sink, recorder, reader, path):
    with Writer(path) as other:
        with other.transaction():
            sink.row(0, "train", 1, [1.0])
            until(lambda: recorder._refusing, "the recorder to be refused")
            blocked = threading.Thread(target=sink.row, args=(0, "train", 2, [2.0]))
            blocked.start()
            assert len(recorder._items) == 0  # whoever trains waits: little is at stake
        blocked.join(PATIENCE)
    assert recorder.flush(PATIENCE)
    assert rows(reader).step.tolist() == [1, 2]


def test_a_full_disk_ends_in_words_after_some_patience(path, reader, monkeypatch):
    class Full(Writer):
        def __init__(self, path, timeout):
            super().__init__(path, timeout)
            pages = self.db.execute("PRAGMA page_count").fetchone()[0]
            self.db.execute(f"PRAGMA max_page_count={pages}")

    monkeypatch.setattr(recorder_module, "Writer", Full)
    monkeypatch.setattr(recorder_module, "PATIENCE", {"full": 0.3})
    recorder = Recorder(path, "w1")

    def fill():
        for step in range(10**6):
            recorder.put(lambda writer, step=step: writer.add_event("r1", step, 0, "x", {}))

    with pytest.raises(StoreError, match="disk is full; free some space"):
        fill()
    recorder.close()


def test_space_that_comes_back_in_time_is_used(path, reader, monkeypatch):
    tries = []

    def refuse_twice(writer):
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("the disk is full", "full")
        writer.add_event("r1", 1, 0, "kept", {})

    recorder = Recorder(path, "w1")
    recorder.put(refuse_twice)
    assert recorder.flush(PATIENCE)
    recorder.close()
    assert [event.kind for event in reader.events("r1")] == ["kept"]


def test_a_checkpoint_follows_what_was_recorded_before_it(sink, recorder, reader):
    seen = []
    sink.row(0, "train", 1, [1.0])
    recorder.put(
        lambda writer: writer.set_checkpoint("r1", 1),
        first=lambda: seen.append((len(rows(reader)), reader.race("r1").checkpoint)),
    )
    assert recorder.flush(PATIENCE)
    assert seen == [(1, None)]
    assert reader.race("r1").checkpoint == 1


def test_a_wrong_write_is_raised_and_not_swallowed(recorder):
    recorder.put(lambda writer: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        recorder.flush(PATIENCE)
