"""A conductor's turns with a toy executor: what is begun when, and what becomes of it."""

import os
import sqlite3

import pytest

from bkn.engine import conducting
from bkn.engine.conducting import Conducting
from bkn.engine.share import Share
from bkn.store.errors import StoreError
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import add_sweep, begin_job, job_rows, set_sweep, sweep_row
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.engine.toy_executor import ToyExecutor, told_of

SWEEP = Sweep(methods=("batch", "kalman"), micro_batches=(2, 64), seeds=(0, 1))
OTHER = Sweep(methods=("group",), micro_batches=(2, 4, 8, 16), seeds=(0, 1))
ME = "me"


@pytest.fixture
def store(tmp_path):
    """A writer of the tests' own."""
    with Writer(store_path(tmp_path)) as writer:
        yield writer


@pytest.fixture
def conduct(tmp_path, store, monkeypatch):
    """Makes a conductor without a thread that runs a sweep by a toy."""
    monkeypatch.setattr(conducting, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(conducting, "RETRY_EVERY", 0.0)
    made = []

    def make(executor, *sweeps, owner=ME, again=()):
        found = Conducting(tmp_path, owner, lambda: executor)
        made.append(found)
        with store.transaction():
            store.beat(owner, os.getpid(), "conducting")
        for number, sweep in enumerate(sweeps):
            add(found, f"s{number}", sweep, again)
        return found

    def add(found, sweep_id, sweep, again=()):
        with store.transaction():
            if sweep_row(found.reader, sweep_id) is None:
                add_sweep(store, sweep_id, sweep, found.owner)
        found.add(Share(sweep_id, sweep.jobs, again))

    make.add = add
    yield make
    for found in made:
        found.close()


@pytest.fixture
def reader(tmp_path):
    made = Reader(store_path(tmp_path))
    yield made
    made.close()


def turn(found, times=1):
    for _ in range(times):
        found.turn()


def statuses(reader, sweep=SWEEP):
    rows = job_rows(reader, [job.id for job in sweep.jobs])
    return [rows[job.id].status if job.id in rows else "waiting" for job in sweep.jobs]


def message(reader, job):
    return job_rows(reader, [job.id])[job.id].message


def test_a_sweep_is_trained_in_order_and_finished(conduct, reader):
    toy = ToyExecutor(slots=3)
    found = conduct(toy, SWEEP)
    turn(found, 5)
    assert toy.submitted == list(SWEEP.jobs)
    assert statuses(reader) == ["finished"] * 8
    row = sweep_row(reader, "s0")
    assert (row.status, row.owner, row.message) == ("finished", None, "")
    assert not found.busy


def test_running_jobs_are_seen_while_they_run(conduct, reader):
    toy = ToyExecutor(slots=2, by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    assert statuses(reader)[:3] == ["queued", "queued", "waiting"]
    toy.tell(SWEEP.jobs[0], "told", told_of(steps=2, status=None))
    turn(found)
    row = job_rows(reader, [SWEEP.jobs[0].id])[SWEEP.jobs[0].id]
    assert (row.status, row.step) == ("running", 2)
    assert len(toy.submitted) == 2  # both slots are taken


def test_a_job_runs_from_its_beginning_on_though_it_has_told_nothing_yet(conduct, reader):
    found = conduct(ToyExecutor(slots=2, by_hand=True), SWEEP)
    turn(found)
    assert statuses(reader)[:3] == ["queued", "queued", "waiting"]
    turn(found)  # in which it hears that they have begun
    assert statuses(reader)[:3] == ["running", "running", "waiting"]


def test_what_is_done_is_not_trained_again(conduct, store, reader):
    with store.transaction():
        for job, status in zip(SWEEP.jobs, ("finished", "diverged", "failed"), strict=False):
            store.set_status(begin_job(store, job, "other"), status, 5)
    toy = ToyExecutor()
    turn(conduct(toy, SWEEP), 12)
    assert toy.submitted == list(SWEEP.jobs[3:])
    assert sweep_row(reader, "s0").message == "1 of 8 experiments failed."


def test_what_failed_is_tried_once_more_where_asked(conduct, store, reader):
    with store.transaction():
        for job, status in zip(SWEEP.jobs, ("finished", "failed", "failed"), strict=False):
            store.set_status(begin_job(store, job, "other"), status, 5)
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP, again=("failed",))
    turn(found, 2)
    assert toy.submitted == [SWEEP.jobs[1]]
    toy.tell(SWEEP.jobs[1], "failed", message="No again.")
    turn(found, 2)
    assert toy.submitted == list(SWEEP.jobs[1:3])
    assert statuses(reader)[:3] == ["finished", "failed", "running"]


def test_sweeps_take_turns(conduct):
    toy = ToyExecutor()
    turn(conduct(toy, SWEEP, OTHER), 6)
    assert [job in SWEEP.jobs for job in toy.submitted] == [True, False] * 3


def test_a_diverged_job_is_a_result_and_a_failed_one_says_why(conduct, reader):
    toy = ToyExecutor(slots=2, by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    first, second = SWEEP.jobs[:2]
    toy.finish(first, status="diverged", message="the loss was inf")
    toy.tell(second, "failed", message="Out of memory.")
    turn(found)
    assert statuses(reader)[:2] == ["diverged", "failed"]
    assert message(reader, first) == "the loss was inf"
    assert message(reader, second) == "Out of memory."


def test_a_lost_job_is_trained_anew_twice_then_failed(conduct, reader):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    job = SWEEP.jobs[0]
    for attempt in range(1, 4):
        turn(found)
        assert toy.submitted == [job] * attempt
        toy.tell(job, "told", told_of(steps=2, status=None))
        toy.tell(job, "lost", message="The worker was killed (signal 9).")
    turn(found)
    assert statuses(reader)[0] == "failed"
    assert message(reader, job) == "Lost 3 times. The worker was killed (signal 9)."
    assert toy.submitted[3] == SWEEP.jobs[1]


def test_a_job_lost_once_has_only_what_its_last_attempt_told(conduct, reader):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    job = SWEEP.jobs[0]
    turn(found)
    toy.tell(job, "told", told_of(steps=3, status=None, accuracy=0.1))
    toy.tell(job, "lost", message="Gone.")
    turn(found)
    toy.finish(job, steps=2, accuracy=0.9)
    turn(found)
    run = reader.runs(job.id)[0]
    rows = reader.rows(run.id, "test")
    assert list(rows.step) == [1, 2]
    assert rows.values[0, 0] == pytest.approx(0.9)
    assert run.message == ""


def test_an_executor_may_begin_anew_by_itself(conduct, reader):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    job = SWEEP.jobs[0]
    turn(found)
    toy.tell(job, "told", told_of(steps=3, status=None, columns=("old",)))
    toy.tell(job, "begun")
    toy.finish(job, steps=1, columns=("test_accuracy", "held_out_accuracy"))
    turn(found)
    run = reader.runs(job.id)[0]
    assert reader.columns(run.id, "test") == ["test_accuracy", "held_out_accuracy"]
    assert list(reader.rows(run.id, "test").step) == [1]


def test_an_end_without_a_result_is_a_failure(conduct, reader):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    toy.finish(SWEEP.jobs[0], status=None)
    turn(found)
    assert statuses(reader)[0] == "failed"
    assert message(reader, SWEEP.jobs[0]) == "It came to its end without a result."


def test_told_nonsense_fails_the_job_and_frees_its_slot(conduct, reader):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    toy.tell(SWEEP.jobs[0], "told", [["row", 0, "no such stream", 1, 0.1, [1.0]]])
    turn(found)
    assert statuses(reader)[0] == "failed"
    assert "makes no sense" in message(reader, SWEEP.jobs[0])
    assert toy.cancelled == [SWEEP.jobs[0].id]
    assert toy.submitted[1] == SWEEP.jobs[1]


def test_stopped_by_anybody_a_sweep_ends_and_its_jobs_with_it(conduct, store, reader):
    toy = ToyExecutor(slots=2, by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    with store.transaction():
        set_sweep(store, "s0", "stopped", None)
    turn(found)
    assert set(toy.cancelled) == {job.id for job in SWEEP.jobs[:2]}
    assert statuses(reader)[:3] == ["stopped", "stopped", "waiting"]
    assert sweep_row(reader, "s0").status == "stopped"
    assert "trained anew" in message(reader, SWEEP.jobs[0])
    assert not found.busy


def test_a_stopped_sweeps_job_goes_on_for_another_that_wants_it(conduct, store, reader):
    both = Sweep(methods=("batch",), micro_batches=(2,), seeds=(0,))
    toy = ToyExecutor(slots=2, by_hand=True)
    found = conduct(toy, SWEEP, both)
    assert both.jobs[0] in SWEEP.jobs
    turn(found, 3)
    with store.transaction():
        set_sweep(store, "s0", "stopped", None)
    turn(found)
    assert both.jobs[0].id in toy.running
    toy.finish(both.jobs[0])
    turn(found, 2)
    assert sweep_row(reader, "s1").status == "finished"
    assert toy.submitted.count(both.jobs[0]) == 1


def test_a_job_in_other_living_hands_is_waited_for(conduct, store, reader):
    with store.transaction():
        store.beat("other", os.getpid(), "conducting")
        run_id = begin_job(store, SWEEP.jobs[0], "other")
    toy = ToyExecutor(slots=8)
    found = conduct(toy, SWEEP)
    turn(found, 4)
    assert toy.submitted == list(SWEEP.jobs[1:])
    assert sweep_row(reader, "s0").status == "running"
    with store.transaction():
        store.set_status(run_id, "finished", 5)
    turn(found)
    assert sweep_row(reader, "s0").status == "finished"
    assert SWEEP.jobs[0] not in toy.submitted


def test_a_job_whose_other_hands_died_is_trained_here(conduct, store):
    with store.transaction():
        store.beat("other", os.getpid(), "conducting")
        begin_job(store, SWEEP.jobs[0], "other")
    toy = ToyExecutor(slots=8)
    found = conduct(toy, SWEEP)
    turn(found, 2)
    with store.transaction():
        store.db.execute("UPDATE worker SET beat=beat-60 WHERE id='other'")
    turn(found, 2)
    assert toy.submitted[-1] == SWEEP.jobs[0]


def test_a_job_that_was_taken_away_is_not_written_to(conduct, store, reader):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    job = SWEEP.jobs[0]
    with store.transaction():  # another conductor thought this one dead
        store.beat("other", os.getpid(), "conducting")
        store.db.execute("UPDATE race SET worker='other' WHERE id=?", (job.id,))
        store.set_status(reader.runs(job.id)[0].id, "running", 1)
    toy.tell(job, "told", told_of(steps=7, status=None))
    turn(found)
    assert toy.cancelled == [job.id]
    assert reader.runs(job.id)[0].step == 1


def test_a_sweep_whose_owner_died_finds_a_new_one(conduct, store, reader):
    found = conduct(ToyExecutor(by_hand=True), SWEEP)
    with store.transaction():
        set_sweep(store, "s0", "running", "dead")
    turn(found)
    row = sweep_row(reader, "s0")
    assert (row.owner, row.status) == (ME, "running")


def test_closing_leaves_a_sweep_interrupted(conduct, reader, tmp_path):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    found.close()
    assert toy.closed
    assert statuses(reader)[0] == "interrupted"
    assert sweep_row(reader, "s0").status == "interrupted"


def test_closing_leaves_a_sweep_that_another_has_finished_as_it_is(conduct, store, reader):
    """It looked for a command that ended while this one still had jobs to look after."""
    found = conduct(ToyExecutor(by_hand=True), SWEEP)
    turn(found)
    with store.transaction():
        set_sweep(store, "s0", "finished", None)
    found.close()
    assert sweep_row(reader, "s0").status == "finished"


def test_an_executor_that_breaks_stops_the_sweep_in_words(conduct, reader, capsys):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    toy.breaks = ConnectionError("the cluster is gone")
    turn(found, 2)
    row = sweep_row(reader, "s0")
    assert row.status == "stopped"
    assert row.message == "ConnectionError: the cluster is gone."
    assert found.trouble == row.message
    assert statuses(reader)[0] == "stopped"
    assert toy.closed
    assert "the cluster is gone" in capsys.readouterr().err


def test_an_executor_that_cannot_be_made_stops_the_sweep_in_words(conduct, store, reader, capsys):
    found = conduct(None)

    def refuse():
        raise ValueError("there is no cluster at this address")

    found._make_executor = refuse
    conduct.add(found, "s0", SWEEP)
    turn(found, 2)
    assert sweep_row(reader, "s0").message == "There is no cluster at this address."
    assert "Traceback" not in capsys.readouterr().err  # the words say it all


def test_a_full_disk_stops_the_sweep_in_words_and_nothing_is_lost_later(
    conduct, reader, monkeypatch
):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    full = [True]
    real = Writer.transaction

    def transaction(writer):
        if full[0]:
            raise StoreError("the store failed: the disk is full; free some space", "full")
        return real(writer)

    monkeypatch.setattr(Writer, "transaction", transaction)
    monkeypatch.setitem(conducting.PATIENCE, "full", 0.0)
    toy.finish(SWEEP.jobs[0])
    turn(found, 3)
    assert "the disk is full" in found.trouble
    assert toy.closed
    assert found.busy  # it still owes the store the news
    full[0] = False
    turn(found)
    row = sweep_row(reader, "s0")
    assert (row.status, row.message) == ("stopped", found.trouble)
    assert statuses(reader)[0] == "stopped"
    assert not found.busy


def test_a_store_that_is_locked_for_a_moment_loses_nothing(conduct, reader, tmp_path):
    toy = ToyExecutor(by_hand=True)
    found = conduct(toy, SWEEP)
    turn(found)
    found.ledger._open.db.execute("PRAGMA busy_timeout=1")
    lock = sqlite3.connect(store_path(tmp_path), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    toy.finish(SWEEP.jobs[0], accuracy=0.75)
    turn(found, 3)
    assert statuses(reader)[0] == "queued"
    lock.execute("ROLLBACK")
    lock.close()
    turn(found)
    assert statuses(reader)[0] == "finished"
    assert len(reader.rows(reader.runs(SWEEP.jobs[0].id)[0].id, "test")) == 3
    assert found.trouble == ""
