"""Sweeps expand to paired experiments, name what does not fit, and refuse in words."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from bkn.experiment import Experiment
from bkn.sweep import Job, Sweep


def test_seeds_may_be_an_array():
    assert Sweep(seeds=np.arange(3)) == Sweep(seeds=(0, 1, 2))


def test_equal_sweeps_have_one_hash():
    common = {"network_options": {"depth": 4}}
    assert len({Sweep(), Sweep(common={"epochs": 4}), Sweep(common=common)}) == 2


def test_a_grid_that_is_too_large_is_counted_and_not_listed(monkeypatch):
    monkeypatch.setattr(Sweep, "_places", lambda self: pytest.fail("it was listed"))
    with pytest.raises(ValueError, match="at most 20,000 experiments, got 15,210,000"):
        Sweep(batches=range(1, 1301), micro_batches=range(1, 1301))


@pytest.mark.parametrize("wrong", ["x", None])
def test_a_job_of_no_experiment_is_refused_in_words(wrong):
    with pytest.raises(TypeError, match="a job takes an object of the class Experiment, got"):
        Job(wrong)


def test_every_combination_once_per_seed_and_a_seed_after_the_other():
    sweep = Sweep(methods=("batch", "kalman"), micro_batches=(2, 64), lrs=(0.1, 0.05), seeds=(3, 1))
    seeds = [job.experiment.seed for job in sweep.jobs]
    assert seeds == [3] * 8 + [1] * 8
    assert len({job.id for job in sweep.jobs}) == 16


def test_for_a_seed_all_methods_share_everything_else():
    first, second = Sweep(methods=("batch", "kalman:gain=0.5"), micro_batches=(2,), seeds=(7,)).jobs
    for name in ("seed", "batch", "micro_batch", "lr", "dataset", "network", "epochs", "copies"):
        assert getattr(first.experiment, name) == getattr(second.experiment, name)
    assert second.experiment.options["gain"] == 0.5


def test_equal_jobs_share_an_id_and_a_diagnosis_makes_another():
    (one,), (two,) = (Sweep(("batch",), (2,), lrs=(lr,), seeds=(0,)).jobs for lr in (0.05, "0.05"))
    assert one.id == two.id
    assert Job(one.experiment, "start").id not in (one.id, Job(one.experiment, "end").id)


def test_misfits_are_named_once_and_the_rest_is_trained():
    sweep = Sweep(methods=("batch", "positional"), micro_batches=(2, 3), seeds=(0, 1))
    assert {(m.entrant, m.settings["micro_batch"]) for m in sweep.misfits} == {
        ("batch", 3), ("positional", 3),
    }  # fmt: skip
    assert all("micro_batch must divide" in misfit.why for misfit in sweep.misfits)
    assert len(sweep.jobs) == 4


def test_it_survives_json():
    sweep = Sweep(seeds=(1,), common={"epochs": 2, "network_options": {"width": 8}})
    assert Sweep.from_json(sweep.to_json()) == sweep
    job = sweep.jobs[0]
    assert Job.from_json(job.to_json()) == job


def test_what_is_named_twice_counts_once():
    assert Sweep(methods=("batch", "kalman:gain=0.1", "kalman"), seeds=(0, 0)).methods == (
        "batch", "kalman",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"methods": ()}, "methods must be a list of at least one value"),
        ({"methods": "batch"}, "methods must be a list"),
        ({"methods": ("bat",)}, "unknown method 'bat'"),
        ({"methods": (3,)}, "methods must be names such as 'batch', got 3"),
        ({"seeds": b"ab"}, "seeds must be a list of at least one value, got b'ab'"),
        ({"seeds": np.arange(0)}, r"seeds must be a list of at least one value, got \[\]"),
        ({"seeds": range(10**9)}, "seeds must be at most 20,000 values, got 1,000,000,000"),
        ({"common": {1: 1, "x": 2}}, "sweep's common has no field 1, 'x'; its fields"),
        ({"common": None}, "common must map fields to values, got None"),
        ({"common": [1]}, "common must map fields to values"),
        ({"networks": ("nonet",)}, "unknown network 'nonet'"),
        ({"lrs": ("x",)}, "lr must be a number"),
        ({"seeds": (-1,)}, "seed must be a whole number"),
        ({"micro_batches": (3,)}, "no combination of this sweep fits: micro_batch must divide"),
        ({"common": {"seed": 1}}, "sweep's common has no field 'seed'"),
        ({"common": {"epochs": 0}}, "epochs must be a whole number in"),
        ({"seeds": tuple(range(7000))}, "at most 20,000 experiments"),
        ({"diagnose": "often"}, "diagnose must be one of none, start, end"),
    ],
)
def test_wrong_values_are_refused_in_words(given, words):
    with pytest.raises(ValueError, match=words):
        Sweep(**given)


@pytest.mark.parametrize("text", ["{}", '{"experiment": 3}', "[]", ""])
def test_a_stored_job_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"must be a JSON object|Expecting value"):
        Job.from_json(text)


def test_a_job_is_copied_compared_and_stored_with_its_id_known():
    known, fresh = Job(Experiment()), Job(Experiment())
    assert known.id == fresh.id
    assert known == pickle.loads(pickle.dumps(known)) == copy.deepcopy(known)
    assert replace(known, diagnose="end").id == f"{known.id}-end"
    assert Job.from_json(known.to_json()) == fresh


def test_sweeps_of_the_same_experiments_are_equal_however_they_were_asked_for():
    typed = Sweep(seeds=("1",), common={"epochs": "2", "momentum": "0.9", "network_options": {}})
    picked = Sweep(seeds=(1,), common={"epochs": 2})
    assert typed == picked
    assert typed.to_json() == picked.to_json()
    assert typed.jobs == picked.jobs
