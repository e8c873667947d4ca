"""The store that the benchmark of many experiments reads holds what it says."""

from benchmarks.many_experiments import fill
from bkn.results import results
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.sweep import Sweep


def test_every_experiment_is_finished_and_has_its_curve(tmp_path):
    sweep = Sweep(methods=("batch", "group"), micro_batches=(2, 4), seeds=(0, 1))
    fill(tmp_path, sweep, tests=3)
    found = results(Reader(store_path(tmp_path)), sweep.jobs, curves=True)
    assert [one.accuracy for one in found] == [0.9] * 8
    assert {len(one.curve.steps) for one in found} == {3}
