"""Train many experiments headless, some side by side, with a line of progress."""

import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tqdm import tqdm

from bkn import Experiment, train


def final_accuracy(experiment: Experiment, on: str = "test_accuracy") -> float:
    """Accuracy after the last step, a fraction; 0 if the run diverged.

    Args:
        experiment: what to train.
        on: name of the figure in the run's summary.
    """
    run = train(experiment, probe="off")
    return run.summary[on] if run.status == "finished" else 0.0


def accuracies(
    experiments: Sequence[Experiment], jobs: int, on: str = "test_accuracy"
) -> list[float]:
    """Final accuracies in the order of the experiments, from `jobs` processes at once."""
    context = multiprocessing.get_context("spawn")
    found = [0.0] * len(experiments)
    with ProcessPoolExecutor(jobs, context) as pool:
        places = {pool.submit(final_accuracy, one, on): i for i, one in enumerate(experiments)}
        progress = tqdm(as_completed(places), total=len(places), unit="run")
        for done in progress:
            place = places[done]
            found[place] = done.result()
            one = experiments[place]
            progress.write(
                f"{one.dataset} {one.entrant} ({one.batch}, {one.micro_batch}) seed {one.seed}: "
                f"{found[place]:.4f}",
                file=sys.stderr,
            )
    return found
