"""Measure what methods cost: a full training step over the same step with nn.BatchNorm2d.

At a batch of 64 with 2 images per statistic, on the digits. Every result is kept in the store as
soon as it is there; the Methods page shows it.
"""

import argparse
import platform
import time

from bkn.cards import pick
from bkn.catalog import METHODS
from bkn.cli.lines import end_with_stdin, say_line
from bkn.experiment import Experiment
from bkn.store.costs import Cost
from bkn.store.home import home, store_path
from bkn.store.writer import Writer


def add(parser: argparse.ArgumentParser) -> None:
    """Which methods."""
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="keys (default: all)")
    parser.add_argument(
        "--lines", action="store_true", help="say what happens in JSON lines; end with stdin"
    )


def run(given: argparse.Namespace) -> int:
    """Measure one after the other; status 1 if any failed."""
    keys = given.methods or list(METHODS)
    for key in keys:
        pick(METHODS, key, "method")
    if given.lines:
        end_with_stdin()
    failures = 0
    for number, key in enumerate(keys, 1):
        _say(given.lines, measuring=key, number=number, of=len(keys))
        try:
            cost = measured(key)
        except Exception as error:  # told to the user; the next method is measured all the same
            failures += 1
            _say(given.lines, failed=key, why=str(error) or type(error).__name__)
            continue
        with Writer(store_path(home())) as writer, writer.transaction():
            writer.add_cost(cost)
        words = f"{cost.ratio:.2f} x nn.BatchNorm2d, {cost.step_ms:.2f} ms"
        _say(given.lines, measured=key, words=words)
    return int(failures > 0)


def measured(key: str) -> Cost:
    """Measure one method, with its default options.

    Raises:
        ValueError: if the method cannot work on the default network.
    """
    import torch

    from bkn.training.cost import SECONDS, measure
    from bkn.training.device import cpu_threads, resolve, training_threads

    of = Experiment(method=key, epochs=1)
    device = resolve(of.device)
    with training_threads():
        timed = measure(of, SECONDS)
    return Cost(
        method=key,
        network=of.network,
        batch=of.batch,
        micro_batch=of.micro_batch,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        threads=cpu_threads(),
        ratio=timed.ratio,
        step_ms=timed.step_ms,
        baseline_ms=timed.baseline_ms,
        rounds=timed.rounds,
        machine=f"{platform.node()}, {platform.machine()}",
        measured_at=time.time(),
        options=of.options,
    )


def _say(lines: bool, **what: object) -> None:
    """One thing that happened: as JSON, or as a line for people."""
    if lines:
        say_line(**what)
    elif "measured" in what:
        print(f"{what['measured']:<20} {what['words']}", flush=True)
    elif "failed" in what:
        print(f"{what['failed']:<20} failed: {what['why']}", flush=True)
