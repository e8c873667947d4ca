"""The conductor from outside: start, stop, resume, times, and what it says when it cannot."""

import os
import threading

import pytest

from bkn.engine import conductor
from bkn.engine.conductor import Conductor
from bkn.store.errors import StoreError
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import begin_job, job_rows, sweep_row, sweeps
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.engine.toy_executor import TimingExecutor, ToyExecutor
from tests.patience import until

SWEEP = Sweep(methods=("batch", "kalman"), micro_batches=(2, 64), seeds=(0, 1))
OTHER = Sweep(methods=("group",), micro_batches=(2,), seeds=(0,))


@pytest.fixture
def conduct(tmp_path):
    """Makes conductors of toys on one store."""
    made = []

    def make(executor):
        made.append(Conductor(tmp_path, lambda: executor, slots=4))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def reader(tmp_path):
    made = Reader(store_path(tmp_path))
    yield made
    made.close()


def until_status(reader, sweep_id, wanted):
    until(lambda: sweep_row(reader, sweep_id).status == wanted, f"sweep {wanted}")


def statuses(reader, sweep=SWEEP):
    rows = job_rows(reader, [job.id for job in sweep.jobs])
    return [rows[job.id].status if job.id in rows else "waiting" for job in sweep.jobs]


def test_a_sweep_runs_to_its_end_in_the_background(conduct, reader):
    toy = ToyExecutor(2)
    lab = conduct(toy)
    sweep_id = lab.start(SWEEP)
    assert sweep_row(reader, sweep_id).status in ("running", "finished")
    until_status(reader, sweep_id, "finished")
    assert statuses(reader) == ["finished"] * 8
    assert lab.trouble == ""


def test_an_equal_sweep_keeps_its_id_and_trains_nothing_again(conduct, reader):
    toy = ToyExecutor()
    lab = conduct(toy)
    sweep_id = lab.start(SWEEP)
    until_status(reader, sweep_id, "finished")
    assert lab.start(Sweep.from_json(SWEEP.to_json())) == sweep_id
    until_status(reader, sweep_id, "finished")
    assert lab.start(OTHER) != sweep_id
    until(lambda: statuses(reader, OTHER) == ["finished"], "the other sweep")
    assert len(toy.submitted) == len(SWEEP.jobs) + len(OTHER.jobs)
    assert len(sweeps(reader)) == 2


def test_a_stopped_sweep_is_resumed_where_it_was(conduct, reader):
    toy = ToyExecutor(by_hand=True)
    lab = conduct(toy)
    sweep_id = lab.start(SWEEP)
    until(lambda: toy.submitted, "a job")
    toy.finish(SWEEP.jobs[0])
    until(lambda: len(toy.submitted) == 2, "the next job")
    lab.stop(sweep_id)
    assert sweep_row(reader, sweep_id).status == "stopped"
    until(lambda: toy.cancelled == [SWEEP.jobs[1].id], "its job to be cancelled")
    until(lambda: statuses(reader)[1] == "stopped", "its job to say so")
    assert statuses(reader)[:3] == ["finished", "stopped", "waiting"]
    toy.by_hand = False
    lab.resume(sweep_id)
    until_status(reader, sweep_id, "finished")
    assert toy.submitted == [*SWEEP.jobs[:2], *SWEEP.jobs[1:]]


def test_another_conductor_can_stop_a_sweep_and_help_with_it(conduct, reader):
    one, two = ToyExecutor(by_hand=True), ToyExecutor(by_hand=True)
    first, second = conduct(one), conduct(two)
    sweep_id = first.start(SWEEP)
    assert second.start(SWEEP) == sweep_id
    until(lambda: one.submitted and two.submitted, "both to train")
    assert one.submitted != two.submitted
    assert sweep_row(reader, sweep_id).owner == first.id
    second.stop(sweep_id)
    until(lambda: one.cancelled and two.cancelled, "both to stop")
    assert sweep_row(reader, sweep_id).status == "stopped"


def test_whoever_is_left_takes_over_when_the_owner_goes(conduct, reader):
    first, second = conduct(ToyExecutor(by_hand=True)), conduct(ToyExecutor(by_hand=True))
    sweep_id = first.start(SWEEP)
    second.resume(sweep_id)
    first.close()
    until(lambda: sweep_row(reader, sweep_id).owner == second.id, "a new owner")
    assert sweep_row(reader, sweep_id).status == "running"


def test_failed_jobs_are_retried_when_asked(conduct, reader, tmp_path):
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        writer.set_status(begin_job(writer, OTHER.jobs[0], "gone"), "failed", 1, "No room.")
    toy = ToyExecutor()
    lab = conduct(toy)
    sweep_id = lab.start(OTHER)
    until_status(reader, sweep_id, "finished")
    assert sweep_row(reader, sweep_id).message == "1 of 1 experiments failed."
    assert not toy.submitted
    lab.resume(sweep_id, again=True)
    until(lambda: statuses(reader, OTHER) == ["finished"], "the job to be run again")


def test_it_beats_while_it_works_and_not_when_it_rests(conduct, reader, monkeypatch):
    monkeypatch.setattr(conductor, "IDLE_AFTER", 0.0)
    toy = ToyExecutor(by_hand=True)
    lab = conduct(toy)
    lab.start(OTHER)
    beats = set()
    until(lambda: beats.add(reader.worker(lab.id).beat) or len(beats) > 2, "beats")
    row = reader.worker(lab.id)
    assert (row.pid, row.state) == (os.getpid(), "conducting")
    toy.finish(OTHER.jobs[0])
    until(lambda: reader.worker(lab.id) is None, "rest")
    assert toy.closed


def test_a_slow_executor_does_not_make_its_conductor_look_dead(conduct, reader, monkeypatch):
    monkeypatch.setattr("bkn.engine.beating.BEAT_EVERY", 0.01)
    goes_on = threading.Event()
    toy = ToyExecutor()
    toy.poll = lambda timeout: goes_on.wait() and []
    lab = conduct(toy)
    sweep_id = lab.start(OTHER)
    beats = set()
    until(lambda: beats.add(reader.worker(lab.id).beat) or len(beats) > 5, "beats")
    assert sweep_row(reader, sweep_id).status == "running"
    goes_on.set()


def test_kinds_are_timed_in_the_background(conduct):
    toy = TimingExecutor()
    lab = conduct(toy)
    assert lab.estimate(SWEEP).seconds is None
    assert lab.estimate(SWEEP).slots == 4
    assert lab.time(SWEEP) == 2  # methods
    until(lambda: lab.timing == 0, "the times")
    assert [job.experiment.method for job in toy.timed] == ["batch", "kalman"]
    found = lab.estimate(SWEEP)
    assert (found.jobs_left, found.measured, found.slots) == (8, 4, 1)
    assert found.seconds == pytest.approx(8 * 0.002 * SWEEP.jobs[0].experiment.steps)
    assert lab.time(SWEEP) == 0


def test_what_failed_is_timed_where_it_is_to_be_tried_again(conduct, tmp_path):
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        for job in OTHER.jobs:
            writer.set_status(begin_job(writer, job, "somebody"), "failed", 3)
    lab = conduct(TimingExecutor())
    assert lab.time(OTHER) == 0
    assert lab.time(OTHER, again=True) == 1
    until(lambda: lab.timing == 0, "the times")
    assert (lab.estimate(OTHER).jobs_left, lab.estimate(OTHER, again=True).jobs_left) == (0, 1)


def test_what_cannot_be_timed_is_not_asked_for_ever(conduct):
    lab = conduct(TimingExecutor())
    wild = Sweep(methods=("none",), micro_batches=(2,), seeds=(0,))
    assert lab.time(wild) == 1
    until(lambda: lab.timing == 0, "the answer")
    lab.time(wild)
    assert lab.timing == 0
    assert lab.untimed == ["No."]
    assert lab.estimate(wild).seconds is None


def test_an_executor_that_times_nothing_leaves_times_unknown(conduct):
    lab = conduct(ToyExecutor())
    assert lab.time(SWEEP) == 2
    until(lambda: lab.timing == 0, "it to be given up")
    assert lab.estimate(SWEEP).seconds is None


def test_wrong_ids_and_a_closed_conductor_are_refused(conduct):
    lab = conduct(ToyExecutor())
    for method in (lab.stop, lab.resume):
        with pytest.raises(ValueError, match="there is no sweep 'x'"):
            method("x")
    lab.close()
    with pytest.raises(ValueError, match="is closed and runs no sweeps"):
        lab.start(OTHER)
    assert sweeps(lab.reader) == []


def test_a_damaged_store_is_told_in_words(tmp_path):
    store_path(tmp_path).write_bytes(b"no database at all " * 300)
    with pytest.raises(StoreError, match=r"damaged.*move the file away"):
        Conductor(tmp_path, ToyExecutor)


def test_what_failed_is_run_again_from_the_start_when_asked(conduct, reader):
    toy = ToyExecutor(2, by_hand=True)
    lab = conduct(toy)
    sweep_id = lab.start(OTHER)
    until(lambda: toy.running, "a job")
    toy.tell(OTHER.jobs[0], "failed", message="No.")
    until_status(reader, sweep_id, "finished")
    assert lab.start(OTHER) == sweep_id
    until_status(reader, sweep_id, "finished")
    assert len(toy.submitted) == 1
    assert lab.start(OTHER, again=True) == sweep_id
    until(lambda: toy.running, "the same job")
    assert sweep_row(reader, sweep_id).status == "running"
    toy.finish(OTHER.jobs[0])
    until_status(reader, sweep_id, "finished")
    assert statuses(reader, OTHER) == ["finished"]
