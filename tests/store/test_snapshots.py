"""Documents and snapshots of a run: written, thinned, taken back, copied."""

import pytest

from bkn.experiment import Experiment, Race
from bkn.store.export import copy_race
from bkn.store.reader import Reader
from bkn.store.writer import Writer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
def run(path):
    """A run with snapshots after steps 0, 10, 20 and 30."""
    with Writer(path) as writer, writer.transaction():
        writer.add_race("r", Race((Experiment(),)))
        (run,) = writer.run_ids("r")
        writer.set_document(run, "layout", "{}")
        for step in (0, 10, 20, 30):
            writer.add_snapshot(run, step, step / 10, bytes([step]))
    return run


def test_what_was_written_is_read(path, run):
    reader = Reader(path)
    assert reader.snapshot_steps(run) == [0, 10, 20, 30]
    assert reader.snapshot(run, 20) == bytes([20])
    assert reader.snapshot(run, 21) is None
    assert (reader.document(run, "layout"), reader.document(run, "network")) == ("{}", None)


def test_a_thinned_run_keeps_the_others(path, run):
    with Writer(path) as writer, writer.transaction():
        writer.drop_snapshots(run, [10, 30])
    assert Reader(path).snapshot_steps(run) == [0, 20]


def test_said_again_the_new_text_counts(path, run):
    with Writer(path) as writer, writer.transaction():
        writer.set_document(run, "layout", "[]")
        writer.add_snapshot(run, 10, 1.0, b"again")
    reader = Reader(path)
    assert (reader.document(run, "layout"), reader.snapshot(run, 10)) == ("[]", b"again")


def test_a_race_that_goes_back_forgets_what_came_later(path, run):
    with Writer(path) as writer, writer.transaction():
        writer.rewind("r", 10)
    assert Reader(path).snapshot_steps(run) == [0, 10]


def test_a_copied_race_brings_them_along(path, run, tmp_path):
    copy_race(path, tmp_path / "copy.db", "r")
    reader = Reader(tmp_path / "copy.db", immutable=True)
    assert reader.snapshot(run, 30) == bytes([30])
    assert reader.document(run, "layout") == "{}"
