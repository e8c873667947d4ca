"""A sweep as a table: every run in its cell, and what cells say about each other."""

import numpy as np
import pytest

from app.batch_size.compare import difference, differences, falls, may_compare
from app.batch_size.table import Place, Table
from bkn.stats import paired
from bkn.sweep import Sweep
from tests.app.sweep_tables import AT, lively, result, table


def test_every_run_is_in_the_cell_of_its_method_and_place():
    made = table(lively)
    assert len(made.cells) == 9
    cell = made.cells["kalman", AT]
    assert [one.seed for one in cell.results] == [0, 1, 2]
    assert {one.job.experiment.method for one in cell.results} == {"kalman"}
    assert cell.mean == pytest.approx(np.mean(list(cell.values.values())))


def test_axes_are_in_the_order_of_their_numbers():
    made = table(lively, micro_batches=(64, 2, 8), lrs=(0.1, 0.01))
    assert made.values_of("micro_batch") == (2, 8, 64)
    assert made.values_of("lr") == (0.01, 0.1)
    places = [cell.place.lr for cell in made.along("lr", "batch", AT)]
    assert places == [0.01, 0.1]


def test_a_misfit_has_no_runs_and_says_why():
    made = table(lively, micro_batches=(2, 3))
    cell = made.cells["batch", AT._replace(micro_batch=3)]
    assert not cell.results
    assert "micro_batch must divide batch=64" in cell.why


def test_methods_that_fit_nowhere_still_have_a_name():
    made = table(lively, methods=("instance", "batch"), networks=("mlp",), common={"epochs": 1})
    assert [one.label for one in made.experiments] == ["Instance norm", "Batch norm"]


def test_the_baseline_is_batch_norm_where_it_has_runs_else_the_first_that_has():
    assert table(lively, methods=("group", "batch")).baseline == "batch"
    assert table(lively, methods=("kalman", "group")).baseline == "kalman"
    alone = Sweep(("batch", "group", "kalman"), (1,), networks=("mlp",), seeds=(0,))
    assert Table.of("", alone, [result(job, 0.9) for job in alone.jobs]).baseline == "group"


def test_a_diverged_run_counts_as_guessing_and_a_failed_one_not_at_all():
    fates = {0: float("nan"), 1: "failed", 2: 0.9}
    made = table(lambda job: fates[job.experiment.seed])
    cell = made.cells["batch", AT]
    assert cell.values == {0: 0.1, 2: 0.9}
    assert cell.interval.n == 2
    assert cell.messages == [
        "seed 0 diverged: the training loss was inf nats at step 9",
        "seed 1 failed: no memory left",
    ]


@pytest.mark.parametrize(
    ("fates", "seed"),
    [
        ({0: 0.9, 1: 0.9, 2: "running"}, 2),
        ({0: 0.9, 1: float("nan"), 2: "failed"}, 2),
        ({0: 0.9, 1: float("nan"), 2: 0.9}, 1),
        ({0: "queued", 1: 0.9, 2: None}, 1),
    ],
)
def test_a_click_opens_the_run_that_matters_most(fates, seed):
    cell = table(lambda job: fates[job.experiment.seed]).cells["batch", AT]
    assert cell.shown.experiment.seed == seed


def test_where_nothing_has_begun_there_is_nothing_to_open():
    assert table(lambda job: None).cells["batch", AT].shown is None


def test_differences_pair_the_same_seeds_even_where_some_are_missing():
    made = table(lambda job: None if (job.experiment.seed, job.experiment.method) == (1, "batch")
                 else lively(job))  # fmt: skip
    found = differences(made, AT, "batch")
    assert len(found) == 6  # two methods at three micro-batches
    first = found[0]
    assert first.seeds == (0, 2)
    ours, theirs = first.cell.values, first.against.values
    expected = paired([ours[0], ours[2]], [theirs[0], theirs[2]])
    assert first.paired == expected


def test_p_values_are_adjusted_over_the_whole_table():
    found = differences(table(lively, seeds=tuple(range(8))), AT, "batch")
    for one in found:
        assert one.p >= one.paired.p
    smallest = min(found, key=lambda one: one.paired.p)
    assert smallest.p == pytest.approx(min(1.0, smallest.paired.p * len(found)))


def test_a_clear_difference_is_called_so_and_an_unclear_one_is_not():
    found = differences(table(lively, seeds=tuple(range(8))), AT, "batch")
    verdicts = {(one.cell.entrant, one.cell.place.micro_batch): one.verdict for one in found}
    assert verdicts["group", 2] == verdicts["kalman", 2] == "better"
    assert verdicts["group", 64] == "unclear"


def test_two_equal_differences_are_no_certainty():
    """Their t test would say p = 0; with coarse accuracies they are chance."""

    def counted(job):  # of 447 test images; the differences are equal but for their rounding
        one = job.experiment
        return (401 + 7 * one.seed + (0 if one.method == "batch" else 20)) / 447

    made = table(counted, seeds=(0, 1))
    assert {one.verdict for one in differences(made, AT, "batch")} == {"unclear"}
    many = differences(table(counted, seeds=tuple(range(12))), AT, "batch")
    assert {one.verdict for one in many} == {"better"}  # twelve of twelve are one in 2,048


def test_with_one_seed_nothing_is_compared():
    made = table(lively, seeds=(0,))
    found = differences(made, AT, "batch")
    assert {one.verdict for one in found} == {"too few"}
    assert not may_compare(made, AT)
    assert all(one.paired is None for one in falls(made, AT))


def test_a_method_breaks_where_it_is_below_itself_at_its_largest():
    found = falls(table(lively, seeds=tuple(range(8))), AT)
    broken = {(one.cell.entrant, one.cell.place.micro_batch) for one in found
              if one.verdict == "worse"}  # fmt: skip
    assert broken == {("batch", 2)}
    assert all(one.against.place.micro_batch == 64 for one in found)


def test_a_difference_of_cells_without_common_seeds_is_none():
    made = table(lively)
    one, other = made.cells["batch", AT], made.cells["group", AT]
    assert difference(one, other).paired is not None
    assert difference(one, table(lively, seeds=(5, 6)).cells["group", AT]).paired is None


def test_done_counts_runs_that_are_over():
    fates = {0: float("nan"), 1: "failed", 2: None}
    assert table(lambda job: fates[job.experiment.seed]).done() == 18


def test_a_place_comes_from_settings_and_experiments_alike():
    job = Sweep(micro_batches=(2,), methods=("batch",)).jobs[0]
    assert Place.of(job.experiment) == AT
    assert Table.of("", Sweep(), [result(job, 0.5)]).cells["batch", AT].mean == 0.5
