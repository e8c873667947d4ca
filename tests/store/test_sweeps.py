"""Sweeps and jobs in the store: read as written, and no job is ever taken twice."""

import time

import numpy as np
import pytest

from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import (
    accuracy_curves,
    add_sweep,
    begin_job,
    has_begun,
    job_rows,
    owns_job,
    set_sweep,
    status_of_job,
    sweep_id_of,
    sweep_row,
    sweeps,
)
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.sweeps import write_sweep

SWEEP = Sweep(methods=("batch", "kalman"), micro_batches=(2, 64), seeds=(0, 1))


@pytest.fixture
def writer(tmp_path):
    with Writer(store_path(tmp_path)) as made:
        yield made


@pytest.fixture
def reader(tmp_path):
    made = Reader(store_path(tmp_path))
    yield made
    made.close()


def take(writer, owner, job=SWEEP.jobs[0], **more):
    with writer.transaction():
        return begin_job(writer, job, owner, **more)


def test_jobs_and_their_curves_are_read_as_written(tmp_path, reader):
    ranks = {job.id: place for place, job in enumerate(SWEEP.jobs)}
    write_sweep(tmp_path, SWEEP, lambda job: 0.5 + ranks[job.id] / 100 if ranks[job.id] else None)
    ids = list(ranks)
    rows = job_rows(reader, ids)
    assert set(rows) == set(ids[1:])
    assert rows[ids[3]].summary["test_accuracy"] == 0.53
    assert rows[ids[3]].status == "finished"
    curve = accuracy_curves(reader, ids)[ids[3]]
    assert list(curve.steps) == [21, 42, 63, 84]
    assert np.allclose(curve.accuracy, np.array([0.25, 0.5, 0.75, 1.0]) * 0.53)


def test_a_job_that_is_done_or_in_living_hands_is_not_taken(writer):
    writer.beat("one", 1, "conducting")
    run_id = take(writer, "one")
    assert run_id is not None
    assert take(writer, "two") is None
    assert take(writer, "one") == run_id
    with writer.transaction():
        writer.set_status(run_id, "failed", 3, "why")
    assert take(writer, "one") is None
    assert take(writer, "one", again=("failed",)) == run_id


def test_a_dead_owners_job_is_taken_and_begins_anew(writer, reader):
    run_id = take(writer, "one")
    writer.set_columns(run_id, "test", ["test_accuracy"])
    writer.add_row(run_id, "test", 5, 0.1, [0.5])
    writer.db.execute(
        "INSERT INTO worker VALUES ('one', 1, 0, ?, 'conducting')", (time.time() - 60,)
    )
    assert take(writer, "two") == run_id
    row = reader.race(SWEEP.jobs[0].id)
    assert (row.worker, row.status) == ("two", "queued")
    assert accuracy_curves(reader, [row.id]) == {}
    assert reader.count_runs() == 1


def test_a_sweep_whose_owner_is_gone_is_interrupted(writer, reader):
    writer.beat("one", 1, "conducting")
    with writer.transaction():
        add_sweep(writer, "s", SWEEP, "one")
    assert sweep_row(reader, "s").status == "running"
    assert sweep_row(reader, "s").sweep == SWEEP
    writer.db.execute("UPDATE worker SET beat=beat-60")
    assert sweeps(reader)[0].status == "interrupted"
    with writer.transaction():
        set_sweep(writer, "s", "finished", None)
    assert sweep_row(reader, "s").status == "finished"
    assert sweep_row(reader, "t") is None


def test_a_job_that_is_trained_anew_may_name_other_columns(writer):
    run_id = take(writer, "one")
    writer.set_columns(run_id, "test", ["test_accuracy"])
    writer.set_document(run_id, "network", "{}")
    assert has_begun(writer, run_id)
    assert take(writer, "one") == run_id
    assert not has_begun(writer, run_id)
    writer.set_columns(run_id, "test", ["test_accuracy", "held_out_accuracy"])


def test_whose_a_job_is_and_where_it_stands(writer):
    job = SWEEP.jobs[0]
    assert status_of_job(writer, job.id) == ""
    take(writer, "one")
    assert status_of_job(writer, job.id) == "queued"
    assert owns_job(writer, job.id, "one")
    assert not owns_job(writer, job.id, "two")


def test_an_equal_sweep_is_found(writer):
    with writer.transaction():
        add_sweep(writer, "s", SWEEP, "one")
    assert sweep_id_of(writer, Sweep.from_json(SWEEP.to_json())) == "s"
    assert sweep_id_of(writer, Sweep(methods=("batch",))) is None
