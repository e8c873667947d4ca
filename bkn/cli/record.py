"""Record the race that the page shows before the first click, from a real run."""

import argparse
import tempfile
from pathlib import Path

from bkn.cli.follow import results, run_race
from bkn.cli.settings import add_settings, race_of
from bkn.engine.supervisor import Supervisor
from bkn.store.export import copy_race
from bkn.store.home import ROOT, store_path
from bkn.store.slimming import slim
from bkn.store.writer import Writer

RECORDED = ROOT / "assets" / "recorded" / "race.db"


def add(parser: argparse.ArgumentParser) -> None:
    """The settings of a race, its speed and where to put it."""
    add_settings(parser)
    parser.set_defaults(epochs=10, probe="full")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.5,
        help="steps per second (default: 1.5, so that the probe looks often)",
    )
    parser.add_argument("--snapshots", type=int, default=12, help="kept per run (default: 12)")
    parser.add_argument("--channels", type=int, default=16, help="kept per layer (default: 16)")
    parser.add_argument("--out", type=Path, default=RECORDED, help="default: assets/recorded")


def run(given: argparse.Namespace) -> int:
    """Train, then copy the race into a small store of its own; refuses an unfinished race."""
    race = race_of(given)
    with tempfile.TemporaryDirectory() as folder:
        supervisor = Supervisor(Path(folder))
        try:
            row = run_race(supervisor, race, given.speed)
            runs = supervisor.reader.runs(row.id)
        finally:
            supervisor.close()
        print(results(runs))
        if row.status != "finished":
            raise ValueError(f"the race ended {row.status}; nothing was recorded")
        with Writer(store_path(Path(folder))) as writer:
            slim(writer, row.id, given.snapshots, given.channels)
        given.out.parent.mkdir(parents=True, exist_ok=True)
        fresh = given.out.with_name(given.out.name + ".new")
        fresh.unlink(missing_ok=True)
        copy_race(store_path(Path(folder)), fresh, row.id)
        fresh.replace(given.out)
    print(f"{given.out}: {given.out.stat().st_size / 1024:.0f} kB")
    return 0
