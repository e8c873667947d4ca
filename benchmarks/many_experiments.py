"""How long it takes to read a store of many finished experiments: results, curves, estimate.

`python -m benchmarks.many_experiments [--experiments 1000] [--tests 4]`; medians, in milliseconds.
The experiments are made up, so nothing is trained.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bkn.engine.estimate import estimate
from bkn.results import results
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import add_sweep, begin_job, sweep_row
from bkn.store.writer import Writer
from bkn.sweep import Sweep

METHODS = ("batch", "group", "kalman", "layer", "frn")
MICRO_BATCHES = (2, 4, 8, 16, 64)
ROUNDS = 15
TRAIN = ("loss", "loss_min", "loss_max", "lr", "step_ms", "probe_share")


def fill(home: Path, sweep: Sweep, tests: int) -> None:
    """Every experiment of a sweep as finished, with a row per step and some tests."""
    with Writer(store_path(home)) as writer, writer.transaction():
        add_sweep(writer, "sweep", sweep, "nobody")
        for job in sweep.jobs:
            run_id, steps = begin_job(writer, job, "nobody"), job.experiment.steps
            if run_id is None:
                raise ValueError(f"job {job.id} is there already")
            writer.set_columns(run_id, "train", TRAIN)
            writer.set_columns(run_id, "test", ("test_loss", "test_accuracy"))
            for step in range(1, steps + 1):
                writer.add_row(run_id, "train", step, 0.01 * step, (1.0,) * len(TRAIN))
            for number in range(1, tests + 1):
                step = number * steps // tests
                writer.add_row(run_id, "test", step, 0.01 * step, (1.0, 0.9))
            figures = {"test_accuracy": 0.9, "test_loss": 1.0, "step_ms": 5.0, "steps": steps}
            writer.set_summary(run_id, {**figures, "wall_seconds": 1.0})
            writer.set_status(run_id, "finished", steps)


def timed(what: Callable[[], object]) -> float:
    """Milliseconds, the median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        what()
        times.append(time.perf_counter() - began)
    return 1e3 * median(times)


def main() -> None:
    """Fill a store and read it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--tests", type=int, default=4, help="per experiment")
    given = parser.parse_args()
    seeds = range(-(-given.experiments // (len(METHODS) * len(MICRO_BATCHES))))
    sweep = Sweep(methods=METHODS, micro_batches=MICRO_BATCHES, seeds=tuple(seeds))
    larger = Sweep(methods=METHODS, micro_batches=MICRO_BATCHES, seeds=(*seeds, len(seeds)))
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), sweep, given.tests)
        size = store_path(Path(folder)).stat().st_size / 1e6
        reader = Reader(store_path(Path(folder)))
        print(f"{len(sweep.jobs):,} finished experiments, {size:.0f} MB")

        def opened() -> Sweep:
            row = sweep_row(reader, "sweep")
            if row is None:
                raise ValueError("the sweep is gone")
            return row.sweep

        for words, what in {
            "the sweep and its jobs from the store": lambda: [job.id for job in opened().jobs],
            "results": lambda: results(reader, sweep.jobs),
            "results with curves": lambda: results(reader, sweep.jobs, curves=True),
            "estimate of what one more seed takes": lambda: estimate(reader, larger, 2),
        }.items():
            print(f"{words:<40} {timed(what):8.1f} ms")
        reader.close()


if __name__ == "__main__":
    main()
