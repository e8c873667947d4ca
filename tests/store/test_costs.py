"""What was measured is kept: the latest of every method is read back, older stores are migrated."""

import sqlite3
from dataclasses import replace

import pytest

from bkn.store.costs import Cost
from bkn.store.reader import Reader
from bkn.store.schema import MIGRATIONS, VERSION
from bkn.store.writer import Writer

COST = Cost(
    method="batch", network="convnet", batch=64, micro_batch=2, device="cpu", threads=1,
    ratio=1.25, step_ms=5.0, baseline_ms=4.0, rounds=60, machine="box", measured_at=1e9,
    options={"running": "mean"},
)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


def write(path, *costs):
    with Writer(path) as writer, writer.transaction():
        for cost in costs:
            writer.add_cost(cost)


def test_a_measurement_comes_back_equal(path):
    write(path, COST)
    assert Reader(path).costs() == {"batch": COST}


def test_the_latest_measurement_of_every_method_counts(path):
    newer, other = replace(COST, ratio=1.5, measured_at=1e9 + 1), replace(COST, method="group")
    write(path, COST, other)
    write(path, newer)
    assert Reader(path).costs() == {"batch": newer, "group": other}


def test_a_store_without_measurements_reads_as_none(path):
    assert Reader(path).costs() == {}
    with Writer(path):
        pass
    assert Reader(path).costs() == {}


def test_a_store_from_before_there_were_costs_is_brought_up_to_date(path):
    db = sqlite3.connect(path)
    db.executescript(MIGRATIONS[0] + "PRAGMA user_version=1;")
    db.execute("INSERT INTO race (id, created, definition) VALUES ('old', 1.0, '{}')")
    db.commit()
    db.close()
    write(path, COST)
    reader = Reader(path)
    assert [row.id for row in reader.races()] == ["old"]
    assert reader.costs() == {"batch": COST}
    assert VERSION >= 2
