"""Train a grid of experiments: every method at every setting, once per seed.

For one seed all methods see the same initial weights, batches and augmentation. What is done is
never trained again, so the same command continues a sweep that was stopped or killed.
"""

import argparse
import sys
from pathlib import Path

from bkn.cli.conduct import Outcome, conduct, require_here, timed_estimate
from bkn.cli.executors import add_executor, conductor_of
from bkn.cli.files import check_out
from bkn.cli.settings import ENTRANTS, add_plain, options_of, plain_of
from bkn.cli.sweep_table import table, write_csv
from bkn.engine.conductor import Conductor
from bkn.results import results
from bkn.store.home import home
from bkn.store.sweeps import DONE
from bkn.sweep import AXES, DIAGNOSES, Sweep

STOPPED_BY_HAND = 130  # exit status, as shells have it
MANY_SEEDS = 10_000


def add(parser: argparse.ArgumentParser) -> None:
    """The axes of the grid, what all experiments share, and where to train."""
    words = f"entrants such as batch or kalman:gain=0.5 (default: {' '.join(ENTRANTS)})"
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=words)
    defaults = {name: getattr(Sweep, name) for name in AXES}
    for name, default in defaults.items():
        shown = " ".join(map(str, default))
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, nargs="+", default=default, help=f"default: {shown}")
    parser.add_argument(
        "--seeds", default="3", help="a count N for 0 to N-1, or a list such as 3,7,9 (default: 3)"
    )
    add_plain(parser, set(AXES.values()) | {"seed"})
    parser.add_argument(
        "--diagnose", default="none", help=f"{', '.join(DIAGNOSES)}: when networks are diagnosed"
    )
    add_executor(parser)
    parser.add_argument("--estimate", action="store_true", help="only say how long it will take")
    parser.add_argument("--again", action="store_true", help="try again what failed before")
    parser.add_argument("--out", type=Path, help="a CSV file for the results")


def run(given: argparse.Namespace) -> int:
    """Train what is not done yet and print the results; status 1 if anything failed."""
    sweep = sweep_of(given)
    if given.out:
        check_out(given.out)
    try:
        conductor = conductor_of(given, home(), sweep.datasets)
        try:
            return _run(conductor, sweep, given)
        finally:
            conductor.close()
    except KeyboardInterrupt:
        return STOPPED_BY_HAND


def sweep_of(given: argparse.Namespace) -> Sweep:
    """The sweep that the command line asks for.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """
    axes = {name: tuple(getattr(given, name)) for name in AXES}
    common = plain_of(given, set(AXES.values()) | {"seed"})
    for owner in ("dataset", "network"):
        if chosen := options_of(getattr(given, f"{owner}_option"), owner):
            common[f"{owner}_options"] = chosen
    methods = tuple(given.methods or ENTRANTS)
    seeds = seeds_of(given.seeds)
    return Sweep(methods=methods, seeds=seeds, common=common, diagnose=given.diagnose, **axes)


def seeds_of(text: str) -> tuple[int, ...]:
    """ "5" is 0 to 4; "3,7,9" are these.

    Raises:
        ValueError: for anything else.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise ValueError(f"seeds must be a count such as 5 or a list such as 3,7,9, got {text!r}")
    if "," in text:
        return tuple(map(int, parts))
    if not 1 <= int(text) <= MANY_SEEDS:
        raise ValueError(f"seeds must count from 1 to {MANY_SEEDS:,}, got {text}")
    return tuple(range(int(text)))


def _run(conductor: Conductor, sweep: Sweep, given: argparse.Namespace) -> int:
    for misfit in sweep.misfits:
        where = f"batch {misfit.settings['batch']}, micro-batch {misfit.settings['micro_batch']}"
        print(f"left out: {misfit.entrant} at {where}: {misfit.why}", file=sys.stderr)
    if given.executor == "local":  # a cluster has its own images and devices
        require_here(conductor, [sweep], given.again)
    expected = timed_estimate(conductor, [sweep], given.again)
    print(expected.words, file=sys.stdout if given.estimate else sys.stderr)
    if given.estimate:
        return 0
    outcome = conduct(conductor, [sweep], given.again)
    found = results(conductor.reader, sweep.jobs)
    if any(one.status in DONE for one in found):
        print(table(found, sweep.methods))
    if given.out:
        write_csv(given.out, found)
    for one in found:
        if one.status == "failed":
            where = f"{one.entrant}, micro-batch {one.job.experiment.micro_batch}, seed {one.seed}"
            print(f"failed: {where}: {one.message}", file=sys.stderr)
    return _say(outcome, any(one.status == "failed" for one in found))


def _say(outcome: Outcome, failed: bool) -> int:
    """Last words and the exit status."""
    if outcome.by_hand:
        print("stopped; the same command continues it", file=sys.stderr)
        return STOPPED_BY_HAND
    if outcome.status == "stopped":
        print(f"stopped: {outcome.message} The same command continues it", file=sys.stderr)
        return 1
    if failed:
        print("--again tries once more what failed", file=sys.stderr)
    show = f"the Batch size page shows it with ?sweep={outcome.ids[0]}"
    print(f"recorded as sweep {outcome.ids[0]}; {show}", file=sys.stderr)
    return int(failed)
