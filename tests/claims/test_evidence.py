"""Values are found by what was trained, one per seed, and ambiguity is refused."""

import pytest

from bkn.claims.evidence import Evidence, all_images, figure, minus, slope
from bkn.results import Result
from bkn.sweep import Sweep

SWEEP = Sweep(methods=("batch", "kalman:gain=0.5"), micro_batches=(2, 64), seeds=(5, 6))


def results(sweep=SWEEP):
    return [
        Result(job, "finished", 9, "", {"test_accuracy": 0.9 + k / 1000, "steps": float(k)})
        for k, job in enumerate(sweep.jobs)
    ]


def test_values_by_seed():
    found = Evidence(results())
    batch = found.of("batch", micro_batch=2)
    assert list(batch) == [5, 6]
    assert batch == {
        r.seed: 100 * r.summary["test_accuracy"]
        for r in results()
        if r.entrant == "batch" and r.job.experiment.micro_batch == 2
    }
    assert found.of("batch", micro_batch=all_images) == found.of("batch", micro_batch=64)
    assert found.of("kalman:gain=0.50", micro_batch=2) == found.of("kalman:gain=0.5", micro_batch=2)
    assert found.of("batch", figure("steps", 2.0), micro_batch=2) == {5: 0.0, 6: 8.0}
    assert found.values("micro_batch") == [2, 64]
    assert found.values("seed", "batch") == [5, 6]


def test_what_is_ambiguous_or_not_there_is_refused():
    found = Evidence(results())
    with pytest.raises(ValueError, match="several jobs of batch fit the protocol"):
        found.of("batch")
    with pytest.raises(ValueError, match="no job of group fits micro_batch=2"):
        found.of("group", micro_batch=2)
    with pytest.raises(ValueError, match="no job of kalman fits"):
        found.of("kalman", micro_batch=2)  # another gain is another entrant


def test_what_is_not_known_is_left_out():
    first, *rest = results()
    unknown = [Result(first.job, "failed", 0, "", {}), *rest]
    assert list(Evidence(unknown).of("batch", micro_batch=2)) == [6]
    diverged = [Result(first.job, "diverged", 0, "", {}), *rest]
    assert Evidence(diverged).of("batch", micro_batch=2)[5] == 10.0  # guessing
    assert Evidence(results()).of("batch", figure("nonsense"), micro_batch=2) == {}
    infinite = [Result(first.job, "finished", 0, "", {"steps": float("inf")}), *rest]
    assert list(Evidence(infinite).of("batch", figure("steps"), micro_batch=2)) == [6]


def test_differences_and_slopes_by_seed():
    assert minus({1: 5.0, 2: 3.0}, {1: 4.0, 3: 9.0}) == {1: 1.0}
    lines = {0.0: {1: 1.0, 2: 5.0}, 1.0: {1: 3.0, 2: 5.0}, 2.0: {1: 5.0, 2: 5.0, 3: 7.0}}
    assert slope(lines) == pytest.approx({1: 2.0, 2: 0.0})
