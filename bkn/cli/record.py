"""Record the race that the page shows before the first click, from a real run.

With --sweep nothing is trained: a finished sweep of the store becomes the one that the Batch size
page shows first.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from bkn.cli.files import make_room
from bkn.cli.follow import results, run_race
from bkn.cli.machine import require_device
from bkn.cli.settings import add_settings, race_of
from bkn.engine.supervisor import Supervisor
from bkn.results import results as results_of
from bkn.store.export import copy_race, copy_sweep
from bkn.store.home import ROOT, home, store_path
from bkn.store.reader import Reader
from bkn.store.slimming import check_slim, slim
from bkn.store.sweeps import sweep_row
from bkn.store.writer import Writer

RECORDED = ROOT / "assets" / "recorded"


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
    parser.add_argument("--sweep", metavar="ID", help="of a finished sweep in the store")
    parser.add_argument("--out", type=Path, help="default: in assets/recorded")


def run(given: argparse.Namespace) -> int:
    """Train, then copy the race into a small store of its own; refuses an unfinished race."""
    out = given.out or RECORDED / ("sweep.db" if given.sweep else "race.db")
    for path in (out, beside(out)):
        make_room(path)
    if given.sweep:
        return ship_sweep(given.sweep, out)
    check_slim(given.snapshots, given.channels)
    race = race_of(given)
    require_device(race.common.device)
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
        put(out, lambda fresh: copy_race(store_path(Path(folder)), fresh, row.id))
    return 0


def ship_sweep(sweep_id: str, out: Path) -> int:
    """Copy a sweep's results into a small store of its own; refuses an unfinished sweep."""
    path = store_path(home())
    reader = Reader(path)
    row = sweep_row(reader, sweep_id)
    if row is None:
        raise ValueError(f"there is no sweep {sweep_id!r} in {path}")
    found = results_of(reader, row.sweep.jobs)
    reader.close()
    if any(one.status not in ("finished", "diverged") for one in found):
        raise ValueError(f"sweep {sweep_id} is not finished; nothing was recorded")
    put(out, lambda fresh: copy_sweep(path, fresh, sweep_id))
    return 0


def beside(out: Path) -> Path:
    """Where a file is made before it is put into its place."""
    return out.with_name(f"{out.name}.new") if out.name else out


def put(out: Path, make: Callable[[Path], None]) -> None:
    """Make a file beside its place, then put it there: what stood there stays until then.

    Raises:
        ValueError: if it cannot be written; nothing is left beside the place then.
    """
    fresh = beside(out)
    try:
        fresh.unlink(missing_ok=True)
        make(fresh)
        fresh.replace(out)
    except OSError as error:
        raise ValueError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)
    print(f"{out}: {out.stat().st_size / 1024:.0f} kB")
