"""Every claim: its protocol is sound, and its decision finds what was planted."""

import re

import numpy as np
import pytest

from bkn.catalog import DATASETS
from bkn.claims import CLAIMS
from bkn.claims.base import (
    INCONCLUSIVE,
    NOT_RUN,
    NOT_SUPPORTED,
    RUNNING,
    SUPPORTED,
    TOPICS,
)
from bkn.claims.ic_stability import restlessness
from bkn.claims.kalman_speed import saved
from bkn.claims.learning_rates import largest
from bkn.claims.protocols import LAPTOP
from bkn.experiment import Experiment
from bkn.pace import steps_between_tests
from bkn.results import Result
from bkn.store.sweeps import Curve
from bkn.sweep import Job
from tests.claims.worlds import WORLDS, Fate, loud, result_of, results_in

MOST_JOBS = 80
TUNED = {*range(10), *range(100, 108), *range(200, 220)}  # seeds that have been looked at
OF_CURVES = {"kalman_speed", "ic_stability"}  # decided by curves, not by their ends
every_claim = pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())


def waiting(job):
    return Result(job, "waiting", 0, "", {})


@every_claim
def test_the_laptop_protocol_fits_and_is_small(claim):
    jobs = claim.laptop.jobs
    assert 2 <= len(jobs) <= MOST_JOBS
    assert not [misfit for sweep in claim.laptop.sweeps for misfit in sweep.misfits]
    assert not {job.experiment.seed for job in jobs} & TUNED
    assert len({job.experiment.seed for job in jobs}) >= 4
    assert len(jobs) == len({job.id for job in jobs})


@every_claim
def test_the_gpu_protocol_fits(claim):
    if "cifar10" not in DATASETS:
        pytest.skip("no CIFAR-10 in this version")
    assert 2 <= len(claim.gpu.jobs) <= MOST_JOBS
    assert not [misfit for sweep in claim.gpu.sweeps for misfit in sweep.misfits]
    verdict = claim.decide([waiting(job) for job in claim.gpu.jobs])  # finds all that it asks for
    assert verdict.tests[0].margin == claim.gpu.margin


@every_claim
def test_a_margin_is_explained_by_the_images_and_steps_of_its_own_protocol(claim):
    for protocol in (claim.laptop, claim.gpu):
        one = protocol.jobs[0].experiment
        for count in re.findall(r"of the ([\d,]+) test images", protocol.reason):
            assert int(count.replace(",", "")) == one.dataset_card.test
        tested = steps_between_tests(one.dataset_card.test, one.step_images)
        for steps in re.findall(r"Tests are (\d+) steps apart", protocol.reason):
            assert int(steps) == tested == protocol.margin


def test_less_than_the_steps_between_tests_is_not_asked_for():
    claim = CLAIMS["kalman_speed"]
    assert (claim.laptop.margin, claim.gpu.margin) == (14, 157)


@every_claim
def test_it_is_described(claim):
    assert claim.topic in TOPICS
    assert re.fullmatch(r"https://[^ ]+", claim.url)
    for text in (claim.words, claim.paper_protocol, claim.test):
        assert text.endswith((".", ")"))
        assert "  " not in text
    for protocol in (claim.laptop, claim.gpu):
        for text in (protocol.words, protocol.reason):
            assert text.endswith((".", ")"))
            assert "  " not in text
        assert protocol.margin > 0
    assert 2015 <= claim.year <= 2026


@every_claim
def test_it_is_supported_where_it_is_true(claim):
    verdict = claim.decide(results_in(WORLDS[claim.key][0], claim.laptop.jobs))
    assert verdict.verdict == SUPPORTED, verdict.words
    assert all(test.holds for test in verdict.tests if test.decides)
    assert verdict.unit == claim.unit
    assert verdict.tests[0].margin == claim.laptop.margin
    assert verdict.low <= verdict.effect <= verdict.high
    assert verdict.seeds == len({job.experiment.seed for job in claim.laptop.jobs}) or (
        verdict.seeds >= 6  # one of its sweeps has fewer
    )


@every_claim
def test_it_is_not_supported_where_it_is_false(claim):
    verdict = claim.decide(results_in(WORLDS[claim.key][1], claim.laptop.jobs))
    assert verdict.verdict == NOT_SUPPORTED, verdict.words


@every_claim
def test_it_is_inconclusive_where_chance_is_louder(claim):
    """Half of the seeds say the one thing and half the other."""
    true, false = WORLDS[claim.key]
    results = results_in(true, claim.laptop.jobs, loud)
    if claim.key in OF_CURVES:
        results = results_in(lambda e: (true, false)[e.seed % 2](e), claim.laptop.jobs)
    verdict = claim.decide(results)
    assert verdict.verdict == INCONCLUSIVE, verdict.words
    assert all(part.verdict != NOT_SUPPORTED for part in verdict.parts)


@every_claim
def test_it_waits_for_all_its_runs(claim):
    jobs = claim.laptop.jobs
    nothing = claim.decide([waiting(job) for job in jobs])
    assert nothing.verdict == NOT_RUN
    assert len(nothing.missing) == len(jobs)
    assert np.isnan(nothing.effect)
    done = results_in(WORLDS[claim.key][0], jobs)
    almost = claim.decide([*done[:-1], waiting(jobs[-1])])
    assert almost.verdict == NOT_RUN
    assert [job.id for job in almost.missing] == [jobs[-1].id]
    running = claim.decide([*done[:-1], Result(jobs[-1], "running", 3, "", {})])
    assert running.verdict == RUNNING


@every_claim
def test_it_survives_runs_that_diverged_or_failed(claim):
    jobs = claim.laptop.jobs
    for status in ("diverged", "failed"):
        verdict = claim.decide([Result(job, status, 3, "out of luck", {}) for job in jobs])
        assert verdict.verdict in (INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED)
    assert verdict.verdict == INCONCLUSIVE
    assert "runs failed and are left out" in verdict.words


def test_claims_share_their_runs():
    jobs = [job for claim in CLAIMS.values() for job in claim.laptop.jobs]
    assert len({job.id for job in jobs}) < 0.85 * len(jobs)
    assert LAPTOP.batch == 64


def test_every_claim_has_its_worlds():
    assert set(WORLDS) == set(CLAIMS)
    assert len(CLAIMS) >= 18


def test_both_parts_of_a_claim_are_told_apart():
    claim = CLAIMS["kalman_small_batches"]

    def same_gap_everywhere(e: Experiment) -> Fate:
        return Fate(95 + 2 * (e.method == "kalman"))

    verdict = claim.decide(results_in(same_gap_everywhere, claim.laptop.jobs))
    assert verdict.verdict == NOT_SUPPORTED
    assert [part.verdict for part in verdict.parts] == [SUPPORTED, NOT_SUPPORTED]


def curve_of(*accuracies, steps=210):
    at = np.linspace(steps / len(accuracies), steps, len(accuracies)).astype(int)
    return Curve(at, np.array(accuracies) / 100)


def finished(curve, method="batch"):
    job = Job(Experiment(method=method, epochs=10))
    return Result(job, "finished", 210, "", {"test_accuracy": float(curve.accuracy[-1])}, curve)


def test_restlessness_is_the_way_back_and_forth():
    assert restlessness(finished(curve_of(10, 40, 70, 90, 95))) == pytest.approx(0)
    # After the warm-up 60, 70, 60, 70: changes of 30 in all, a net way of 10.
    assert restlessness(finished(curve_of(50, 60, 70, 60, 70))) == pytest.approx(20 / 3)
    wild_in_warm_up = finished(curve_of(90, 10, 50, 60, 70, 75, 80, 85, 88, 90))
    assert restlessness(wild_in_warm_up) == pytest.approx(0)
    job = Job(Experiment(method="batch", epochs=10))
    lost = Result(job, "diverged", 150, "", {}, curve_of(50, 60, 70, steps=150))
    assert restlessness(lost) == pytest.approx((10 + 60 - 50) / 2)


def test_steps_saved_until_batch_norms_final_accuracy():
    batch = finished(curve_of(50, 60, 70, 80, 90))  # reaches 90 at 210
    assert saved(batch, finished(curve_of(50, 91, 80, 90, 95), "kalman")) == 210 - 84
    assert saved(batch, finished(curve_of(50, 60, 70, 80, 89), "kalman")) == 0  # never
    quick = finished(curve_of(50, 90, 90, 90, 90))
    assert saved(quick, finished(curve_of(50, 60, 70, 80, 89), "kalman")) == 84 - 210
    failed = Result(batch.job, "failed", 0, "", {})
    assert saved(failed, batch) is None


def test_the_largest_rate_that_trains():
    at = {0.5: {1: 95.0, 2: 95.0, 3: 10.0}, 2.0: {1: 96.0, 2: 10.0, 3: 10.0},
          8.0: {1: 60.0, 2: 10.0, 3: 10.0, 4: 90.0}}  # fmt: skip
    assert largest(at) == {1: 3.0, 2: -1.0, 3: -3.0}


def test_a_run_that_never_gets_there_counts_with_all_its_steps():
    job = Job(Experiment(method="kalman", epochs=10))
    assert result_of(job, Fate(0, diverged=True)).steps_to(0.5) == np.inf
