"""Results: what a job reached, with divergence counted as guessing."""

import math

from bkn.results import results
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.sweep import Sweep
from tests.sweeps import write_sweep

SWEEP = Sweep(methods=("batch", "kalman", "group"), micro_batches=(2,), seeds=(0,))


def test_finished_diverged_and_waiting_jobs(tmp_path):
    finals = {"batch": 0.8, "kalman": math.nan, "group": None}
    write_sweep(tmp_path, SWEEP, lambda job: finals[job.experiment.method])
    batch, kalman, group = results(Reader(store_path(tmp_path)), SWEEP.jobs, curves=True)
    assert (batch.status, batch.accuracy, batch.steps_to(0.5)) == ("finished", 0.8, 63.0)
    assert batch.steps_to(0.9) == math.inf
    assert (kalman.status, kalman.accuracy, kalman.steps_to(0.5)) == ("diverged", 0.1, math.inf)
    assert "inf nats" in kalman.message
    assert (group.status, group.accuracy, group.steps_to(0.5)) == ("waiting", None, None)
