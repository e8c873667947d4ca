"""Train a race without the page. It is recorded in the store, so the page can show it too."""

import argparse
import sys

from bkn.cli.follow import results, run_race
from bkn.cli.machine import require_device
from bkn.cli.settings import add_settings, race_of
from bkn.engine.supervisor import Supervisor
from bkn.store.home import home


def add(parser: argparse.ArgumentParser) -> None:
    """The settings of a race."""
    add_settings(parser)


def run(given: argparse.Namespace) -> int:
    """Train to the end and print what each entrant reached; status 1 if the race broke off."""
    race = race_of(given)
    require_device(race.common.device)
    supervisor = Supervisor(home())
    try:
        row = run_race(supervisor, race)
        runs = supervisor.reader.runs(row.id)
    finally:
        supervisor.close()
    print(results(runs))
    print(f"recorded as race {row.id}; the Race page shows it with ?run={row.id}", file=sys.stderr)
    return 0 if row.status in ("finished", "diverged") else 1
