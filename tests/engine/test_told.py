"""What is told and replayed equals what is written at once; nothing is lost on the way as JSON."""

import json
import math

import numpy as np
import pytest

from bkn.engine.told import TellingSink, last_status, replay
from bkn.experiment import Race
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.writer import Writer


@pytest.fixture
def told():
    found = []
    sink = TellingSink(lambda one: found.append(json.loads(json.dumps(one))))
    sink.columns(0, "train", ("loss", "lr"))
    sink.status(0, "running", 0)
    sink.row(0, "train", 1, (np.float32(1.5), math.nan))
    sink.row(0, "train", 2, (math.inf, 0.05))
    sink.event(2, "lr", {"value": 0.1})
    sink.document(0, "network", '{"nodes": []}')
    sink.snapshot(0, 2, b"\x00\xff seen")
    sink.snapshot(0, 3, b"later")
    sink.drop_snapshots(0, [3])
    sink.summary(0, {"test_accuracy": np.float64(0.5)})
    sink.status(0, "finished", 2, "in words")
    return found


@pytest.fixture
def replayed(tmp_path, told):
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        writer.add_race("race", Race.of(["batch"]))
        replay(writer, "race", writer.run_ids("race"), told)
    reader = Reader(store_path(tmp_path))
    yield reader
    reader.close()


def test_the_store_holds_what_was_told(replayed):
    (run,) = replayed.runs("race")
    assert (run.status, run.step, run.message) == ("finished", 2, "in words")
    assert run.summary == {"test_accuracy": 0.5}
    rows = replayed.rows(run.id, "train")
    assert list(rows.step) == [1, 2]
    np.testing.assert_array_equal(rows.values, np.float32([[1.5, np.nan], [np.inf, 0.05]]))
    (event,) = replayed.events("race")
    assert (event.step, event.kind, event.payload) == (2, "lr", {"value": 0.1})
    assert replayed.document(run.id, "network") == '{"nodes": []}'
    assert replayed.snapshot_steps(run.id) == [2]
    assert replayed.snapshot(run.id, 2) == b"\x00\xff seen"


def test_the_last_status_counts(told):
    assert last_status(told) == "finished"
    assert last_status(told[:3]) == "running"
    assert last_status([]) is None


def test_what_no_sink_tells_is_refused(tmp_path):
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        writer.add_race("race", Race.of(["batch"]))
        with pytest.raises(ValueError, match="never tells 'close'"):
            replay(writer, "race", writer.run_ids("race"), [["close", 0]])
