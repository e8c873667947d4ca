"""python -m bkn: the lab from the command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from bkn.store.errors import StoreError

COMMANDS = {  # name: what it does, in a few words
    "train": "train a race without the page, with a progress bar",
    "sweep": "train a grid of experiments, as the Batch size page does",
    "claim": "put claims of papers to the test, and write docs/claims.md",
    "record": "record the race that the page replays before the first click",
    "cost": "measure what methods cost, as the Methods page shows it",
    "bench": "measure what the README says that telemetry and the filter cost",
    "export": "write what a race recorded as a CSV file",
    "data": "list the datasets, fetch those that are not on this machine",
    "doctor": "check versions, devices, store and disk, and train for two seconds",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. Wrong values end in one sentence and status 2,
    a store that cannot be used in one and status 1.
    """
    parser = argparse.ArgumentParser(prog="python -m bkn", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words in COMMANDS.items():
        module = import_module(f"bkn.cli.{name}")
        command = commands.add_parser(name, help=words, description=module.__doc__)
        module.add(command)
        command.set_defaults(run=module.run)
    given = parser.parse_args(arguments)
    try:
        status: int = given.run(given)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        return 1
    except ValueError as refused:
        print(f"bkn {given.command}: {refused}", file=sys.stderr)
        return 2
    except StoreError as broken:
        print(f"bkn {given.command}: {broken}", file=sys.stderr)
        return 1


def _nobody_reads() -> bool:
    """Whether what stdout leads to is gone (`| head`); if so nothing is written there any more."""
    try:
        print(flush=True)  # what could not be written before is forgotten: ask anew
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's end complains
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
