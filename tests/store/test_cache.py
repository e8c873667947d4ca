"""The tail cache shows what the store holds, reads each row once and never grows."""

import numpy as np
import pytest

from bkn.experiment import Race
from bkn.store import cache as cache_module
from bkn.store.cache import STREAMS, RaceCache
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from bkn.training import sink

RACE = Race.of(["batch", "kalman"])
PROBED = ["layer1/gain", "layer1/error", "layer2.norm/gain", "layer2.norm/error"]


@pytest.fixture
def writer(tmp_path):
    with Writer(tmp_path / "runs.db") as writer:
        with writer.transaction():
            writer.add_race("r1", RACE, "w1")
            for run in writer.run_ids("r1"):
                writer.set_columns(run, "train", sink.TRAIN_COLUMNS)
                writer.set_columns(run, "test", sink.TEST_COLUMNS)
            writer.set_columns(writer.run_ids("r1")[1], "probe", PROBED)
        yield writer


@pytest.fixture
def reader(writer):
    reader = Reader(writer.path)
    yield reader
    reader.close()


def add(writer, stream, steps, row, position=1):
    run = writer.run_ids("r1")[position]
    with writer.transaction():
        for step in steps:
            writer.add_row(run, stream, step, step / 10, row(step))


def add_train(writer, steps):
    add(writer, "train", steps, lambda step: [step, step, step, 0.1, 5.0, 0.0])


def test_streams_are_named_as_the_trainer_names_them():
    assert STREAMS == (sink.TRAIN, sink.TEST, sink.PROBE, sink.FULL_PROBE)


def test_an_unknown_race_is_a_key_error(reader):
    with pytest.raises(KeyError, match="nobody"):
        RaceCache(reader, "nobody")


def test_what_is_recorded_is_shown_and_news_is_counted(writer, reader):
    cache = RaceCache(reader, "r1")
    assert cache.race == RACE
    assert [run.status for run in cache.runs] == ["queued", "queued"]
    assert len(cache.curve(1, "loss").steps) == 0
    assert cache.latest(1, "loss") is None
    assert not cache.refresh()
    seen = cache.version
    add_train(writer, [1, 2, 3])
    add(writer, "test", [3], lambda step: [0.5, 0.9])
    assert cache.refresh()
    assert cache.version > seen
    assert cache.curve(1, "loss").steps.tolist() == [1, 2, 3]
    assert cache.curve(1, "test_accuracy").values.tolist() == [pytest.approx(0.9)]
    assert cache.latest(1, "loss") == 3.0
    assert len(cache.curve(0, "loss").steps) == 0
    assert cache.runs[1].step == 3
    assert not cache.refresh()


def test_statuses_and_events_are_news(writer, reader):
    cache = RaceCache(reader, "r1")
    with writer.transaction():
        writer.add_event("r1", 4, 0.4, "lr", {"value": 0.1})
    assert cache.refresh()
    with writer.transaction():
        writer.add_event("r1", 5, 0.5, "pause", {})
        writer.set_status(writer.run_ids("r1")[0], "diverged", 5, "too fast")
    assert cache.refresh()
    assert [(event.step, event.kind) for event in cache.events] == [(4, "lr"), (5, "pause")]
    assert cache.events[0].payload == {"value": 0.1}
    assert cache.runs[0].message == "too fast"
    assert not cache.refresh()


def test_layers_their_curves_and_the_heat(writer, reader):
    cache = RaceCache(reader, "r1")
    assert cache.heat(0, "gain").layers == cache.layers(0) == []
    add(writer, "probe", [10, 20], lambda step: [0.1, np.nan, step, 2 * step])
    cache.refresh()
    assert cache.layers(1) == ["layer1", "layer2.norm"]
    assert cache.layer_curve(1, "layer2.norm", "error").values.tolist() == [20, 40]
    assert len(cache.layer_curve(1, "layer9", "error").steps) == 0
    heat = cache.heat(1, "error")
    assert heat.steps.tolist() == [10, 20]
    assert heat.layers == ["layer1", "layer2.norm"]
    np.testing.assert_array_equal(heat.values, [[np.nan, np.nan], [20, 40]])
    assert cache.latest(1, "layer2.norm/gain") == 20
    assert cache.latest(1, "layer1/error") is None


def test_what_only_the_full_probe_measures_is_shown_too(writer, reader):
    with writer.transaction():
        for run in writer.run_ids("r1"):
            writer.set_columns(run, "full", ["layer1/input_std", "loss_batch", "loss_stored"])
    add(writer, "probe", [10], lambda step: [0.1, np.nan, step, 2 * step])
    for position in (0, 1):
        add(writer, "full", [10, 30], lambda step: [step, 0.5, 0.25], position)
    cache = RaceCache(reader, "r1")
    assert cache.layers(0) == []  # of no layer can the estimates be wrong
    for position in (0, 1):
        assert cache.layer_curve(position, "layer1", "input_std").values.tolist() == [10, 30]
        heat = cache.heat(position, "input_std")
        assert (heat.layers, heat.steps.tolist()) == (["layer1"], [10, 30])
        assert cache.curve(position, "loss_stored").values.tolist() == [0.25, 0.25]
        assert cache.latest(position, "loss_batch") == 0.5
    assert cache.heat(0, "loss_batch").layers == []


def test_after_a_rewind_nothing_stale_is_shown(writer, reader):
    add_train(writer, range(1, 11))
    with writer.transaction():
        writer.add_event("r1", 9, 0.9, "lr", {"value": 0.1})
    cache = RaceCache(reader, "r1")
    with writer.transaction():
        writer.rewind("r1", 5)
    add_train(writer, [7])
    assert cache.refresh()
    assert cache.curve(1, "loss").steps.tolist() == [1, 2, 3, 4, 5, 7]
    assert cache.events == []


def test_a_backlog_is_read_in_pages(writer, reader, monkeypatch):
    monkeypatch.setattr(cache_module, "PAGE", 10)
    add_train(writer, range(1, 96))
    cache = RaceCache(reader, "r1")
    assert cache.curve(1, "loss").steps.tolist() == list(range(1, 96))


@pytest.mark.parametrize("recorded", [100, 20_000])
def test_a_refresh_reads_only_what_is_new(writer, reader, monkeypatch, recorded):
    add_train(writer, range(1, recorded + 1))
    cache = RaceCache(reader, "r1")
    read = []
    rows = reader.rows
    monkeypatch.setattr(reader, "rows", lambda *args: read.append(rows(*args)) or read[-1])
    add_train(writer, [recorded + 1, recorded + 2])
    cache.refresh()
    assert sum(len(part) for part in read) == 2
    assert len(cache.curve(1, "loss").steps) <= 500
