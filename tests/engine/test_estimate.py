"""How long a sweep will take: from its own kinds, from relatives, by slots; or not known."""

import json

import pytest

from bkn.engine.estimate import (
    Estimate,
    duration,
    estimate,
    kind_of,
    known_times,
    to_be_timed,
)
from bkn.experiment import Experiment, Race
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import begin_job
from bkn.store.writer import Writer
from bkn.sweep import Job, Sweep

STEPS = Experiment().steps  # 84
SWEEP = Sweep(methods=("batch", "kalman"), micro_batches=(2, 4), seeds=(0, 1))


@pytest.fixture
def reader(tmp_path):
    made = Reader(store_path(tmp_path))
    yield made
    made.close()


@pytest.fixture
def finish(tmp_path):
    """Puts finished jobs into the store, with their seconds."""

    def put(*pairs, status="finished"):
        with Writer(store_path(tmp_path)) as writer, writer.transaction():
            for job, seconds in pairs:
                run_id = begin_job(writer, job, "conductor")
                steps = job.experiment.steps
                figures = {"steps": steps, "step_ms": 1.0, "wall_seconds": seconds}
                writer.set_summary(run_id, figures)
                writer.set_status(run_id, status, steps)

    return put


def job(method="batch", m=2, seed=0, **more):
    return Job(Experiment(method=method, micro_batch=m, seed=seed, **more))


def test_nothing_is_known_of_an_empty_store(reader):
    found = estimate(reader, SWEEP, 2)
    assert found == Estimate(None, 8, 0, 2)
    assert found.words == "not known yet for 8 experiments, 2 at a time"


def test_jobs_of_a_measured_kind_take_its_median(reader, finish):
    finish((job(seed=7), 1.0), (job(seed=8), 2.0), (job(seed=9), 30.0))
    found = estimate(reader, [job(seed=seed) for seed in range(4)], 2)
    assert (found.measured, found.jobs_left) == (4, 4)
    assert found.seconds == pytest.approx(4.0)  # four of 2 s, two at a time
    assert found.words == "about 4 s for 4 experiments, 2 at a time"


def test_what_costs_no_time_makes_no_kind():
    one = Experiment()
    assert kind_of(one) == kind_of(Experiment(lr=1.0, seed=5, epochs=9, momentum=0.0))
    assert kind_of(one) != kind_of(Experiment(micro_batch=4))


def test_twice_the_epochs_take_twice_as_long(reader, finish):
    finish((job(epochs=4), 3.0))
    assert estimate(reader, [job(epochs=8)], 1).seconds == pytest.approx(6.0)


def test_what_failed_is_left_where_it_is_to_be_tried_again(reader, finish):
    jobs = [job(seed=0), job(seed=1)]
    finish((jobs[0], 2.0))
    finish((jobs[1], 9.0), status="failed")
    assert estimate(reader, jobs, 1).jobs_left == 0
    found = estimate(reader, jobs, 1, again=True)
    assert found.words == "about 2 s for 1 experiment"


def test_what_is_done_takes_no_time_and_what_runs_only_its_rest(reader, finish):
    finish((job(seed=0), 2.0))
    finish((job(seed=1), 9.0), status="failed")
    finish((job(seed=2), 0.0), status="running")
    with Writer(reader.path) as writer:
        writer.db.execute("UPDATE run SET step=? WHERE status='running'", (STEPS // 2,))
    found = estimate(reader, [job(seed=seed) for seed in range(4)], 1)
    assert found.jobs_left == 2
    assert found.seconds == pytest.approx(1.0 + 2.0)
    assert estimate(reader, [job(seed=0)], 1).words == "nothing is left to train"


def test_more_slots_than_jobs_help_no_further(reader, finish):
    finish((job(), 5.0))
    assert estimate(reader, [job(seed=1)], 8).seconds == pytest.approx(5.0)


def test_unknown_kinds_take_after_the_nearest_relative(reader, finish):
    finish((job("batch", 2), 1.0), (job("batch", 64), 4.0), (job("kalman", 2), 16.0))
    near = estimate(reader, [job("batch", 32, seed=1)], 1)
    assert near.seconds == pytest.approx(4.0)
    assert near.measured == 0
    assert near.words == "about 4 s for 1 experiment; 1 of them judged by similar ones"
    assert estimate(reader, [job("kalman", 64, seed=1)], 1).seconds == pytest.approx(16.0)
    assert estimate(reader, [job("group", 2, seed=1)], 1).seconds == pytest.approx(8.5)


def test_larger_batches_take_longer_steps(reader, finish):
    finish((job(), 84.0))  # a second per step
    larger = job(batch=256)
    assert estimate(reader, [larger], 1).seconds == pytest.approx(2.0 * larger.experiment.steps)


def test_other_networks_and_data_tell_nothing(reader, finish):
    finish((job(), 1.0))
    assert estimate(reader, [job(network="mlp")], 1).seconds is None
    assert estimate(reader, [job(dataset="shapes")], 1).seconds is None
    assert estimate(reader, [job(network_options={"width": 8})], 1).seconds is None


def test_what_was_timed_elsewhere_counts(reader):
    timed = {kind_of(job().experiment): 10.0}
    found = estimate(reader, [job(seed=3)], 1, timed)
    assert found.seconds == pytest.approx(0.01 * STEPS)
    assert found.measured == 1


def test_times_that_are_known_already_are_not_read_again(reader, finish):
    finish((job(seed=7), 1.0))
    found = estimate(reader, [job()], 1, times={kind_of(job().experiment): 10.0})
    assert found.seconds == pytest.approx(job().experiment.steps * 0.01)
    assert estimate(reader, [job()], 1, times={}).seconds is None


def test_one_of_every_family_without_a_time_is_to_be_timed(reader, finish):
    finish((job("batch", 2), 1.0))
    asked = to_be_timed(reader, SWEEP.jobs)
    assert [one.experiment.method for one in asked] == ["kalman"]
    timed = {kind_of(asked[0].experiment): 10.0}
    assert to_be_timed(reader, SWEEP.jobs, timed) == []


def test_races_of_the_page_count_where_no_job_does(tmp_path, reader):
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        writer.add_race("race", Race.of(["batch"]))
        (run_id,) = writer.run_ids("race")
        writer.set_summary(run_id, {"steps": 84.0, "step_ms": 10.0})
        writer.set_status(run_id, "finished", 84)
        writer.add_race("old", Race.of(["group"]))
        (run_id,) = writer.run_ids("old")
        writer.db.execute("UPDATE run SET summary=? WHERE id=?", (json.dumps({}), run_id))
        writer.set_status(run_id, "finished", 84)
    (per_step,) = known_times(reader).values()
    assert per_step == pytest.approx(11.5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 min"),
     (7200, "2 h"), (90_000, "25 h")],
)  # fmt: skip
def test_durations_as_people_say_them(seconds, words):
    assert duration(seconds) == words
