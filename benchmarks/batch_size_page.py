"""How fast the Batch size page opens with 1,000 finished runs, what a refresh costs and sends.

    python -m benchmarks.batch_size_page

A store is made with a sweep of 1,000 finished runs. Measured without a browser: the page's first
run in a server that has just started, its imports done; the same for the next visitor; a refresh
with nothing new, and one after a run has moved; the bytes of all figures.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import streamlit as st
from streamlit.testing.v1 import AppTest

from app.batch_size.history import Watched
from app.batch_size.scene import Place
from app.figures.spec import Spec
from app.figures.sweep_curve import curve, rates
from app.figures.sweep_grid import grid
from app.figures.sweep_pairs import pairs
from app.figures.sweep_steps import steps
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import sweep_row
from bkn.sweep import Job, Sweep
from tests.sweeps import write_sweep

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
THOUSAND = Sweep(
    methods=("batch", "group", "kalman", "layer", "frn"), micro_batches=(1, 2, 4, 8, 64),
    lrs=(0.02, 0.1), seeds=tuple(range(20)),
)  # fmt: skip


def accuracy(job: Job) -> float:
    """Something plausible."""
    one = job.experiment
    broken = 0.5 if one.method == "batch" and one.micro_batch == 1 else 0.0
    return 0.95 - broken + 0.001 * ((7 * one.seed + one.micro_batch + len(one.method)) % 11)


def milliseconds(work: Callable[[], object]) -> float:
    """Of CPU time that some work takes: other work on the machine does not count."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def visitor() -> AppTest:
    """A new one, on the page's doorstep."""
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
    page.switch_page(str(ROOT / "pages" / "batch_size.py"))
    page.query_params["sweep"] = "thousand"
    return page


def specs(watched: Watched, at: Place) -> list[Spec]:
    """All figures."""
    table = watched.look().table
    return [curve(table, at), grid(table, at), steps(table, at, 0.9), rates(table, at)]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BKN_HOME"] = folder
        write_sweep(Path(folder), THOUSAND, accuracy, "thousand")
        print(f"{len(THOUSAND.jobs):,} finished runs in the store")
        visitor().run()  # imports
        cold = []
        for _ in range(ROUNDS):
            st.cache_resource.clear()  # as in a server that has just started
            cold.append(milliseconds(visitor().run))
        print(f"first visit of a server: median {median(cold):.0f} ms, worst {max(cold):.0f} ms")
        warm = [milliseconds(visitor().run) for _ in range(ROUNDS)]
        print(f"every further visit: median {median(warm):.0f} ms, worst {max(warm):.0f} ms")
        page = visitor().run()
        again = [milliseconds(page.run) for _ in range(ROUNDS)]
        print(f"a refresh with nothing new: median {median(again):.0f} ms")
        reader = Reader(store_path(Path(folder)))
        row = sweep_row(reader, "thousand")
        if row is None:
            raise LookupError("thousand")
        watched = Watched(reader, row, "thousand")
        at = Place("digits", "convnet", 64, 2, 0.1)
        sent = [len(json.dumps(spec)) for spec in specs(watched, at)]
        made = [milliseconds(lambda: specs(watched, at)) for _ in range(ROUNDS)]
        print(f"all figures anew: median {median(made):.0f} ms, {sum(sent) / 1000:.0f} kB {sent}")
        table = watched.look().table
        compared = [milliseconds(lambda: pairs(table, at, "batch")) for _ in range(ROUNDS)]
        print(f"the table of differences: first {compared[0]:.0f} ms, then {median(compared):.0f}")
    os._exit(0)  # the lab's threads have nothing left to save


if __name__ == "__main__":
    main()
