"""Write what a race of the store recorded as a CSV file: curves, or what the probe saw by layer.

One row per entrant and step, or per entrant, step and layer; columns as of `Run.scalars()` and
`Run.layers()`. An experiment of a sweep is a race as well, under an id that its page shows.
"""

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from bkn.cli.files import make_room
from bkn.store.home import home, store_path
from bkn.store.reader import Reader
from bkn.store.records import RunRow

TABLES = ("scalars", "layers")


def add(parser: argparse.ArgumentParser) -> None:
    """Which race, which of its tables, and where to put it."""
    parser.add_argument("race", metavar="RACE", help="its id, as in ?run=")
    parser.add_argument("--table", default="scalars", help="scalars or layers (default: scalars)")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file")


def run(given: argparse.Namespace) -> int:
    """Write the file and say how many rows it has."""
    import pandas as pd

    if given.table not in TABLES:
        raise ValueError(f"table must be {' or '.join(TABLES)}, got {given.table!r}")
    make_room(given.out)
    with closing(Reader(store_path(home()))) as reader:
        runs = reader.runs(given.race)
        if not runs:
            raise ValueError(f"race must be one of the store {reader.path}, got {given.race!r}")
        tables = []
        for row in runs:
            table = getattr(_recorded(reader, row), given.table)()
            table.insert(0, "entrant", row.experiment.entrant)
            tables.append(table)
    whole = pd.concat([table for table in tables if len(table)] or tables[:1])
    try:
        whole.to_csv(given.out, index=False)
    except OSError as error:
        raise ValueError(f"{given.out} cannot be written: {error.strerror}") from error
    print(f"{given.out}: {len(whole):,} rows")
    return 0


def _recorded(reader: Reader, row: RunRow) -> Any:
    """A run of the store as the Run that `bkn.train` gives back; torch comes with its class."""
    from bkn.training.run import Run
    from bkn.training.sink import FULL_PROBE, PROBE, TEST, TRAIN

    columns, rows = {}, {}
    for stream in (TRAIN, TEST, PROBE, FULL_PROBE):
        columns[stream] = reader.columns(row.id, stream)
        found = reader.rows(row.id, stream)
        rows[stream] = [
            (step, time, *values)
            for step, time, values in zip(found.step, found.time, found.values, strict=True)
        ]
    return Run(row.experiment, row.status, row.message, row.summary, columns, rows)
