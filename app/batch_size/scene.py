"""What the Batch size page looks at: which sweep, and where in its grid."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import address, whose
from app.batch_size import form, link
from app.batch_size.history import State, Watched
from app.batch_size.table import Place, Table
from app.lab import Lab
from app.visitor import visitor
from bkn.store.sweeps import SweepRow, sweeps
from bkn.sweep import Sweep

SWEEP = "_sweep"  # key of the watched sweep's id in the session, "" where nobody chose one
LATEST = "_sweep_latest"  # key of the sweep that is shown then, "" for the recorded one
OPEN = "_sweep_open"  # key of the run that was clicked
TICK = 1.0  # seconds between refreshes while a sweep runs
LISTED = 30  # sweeps to choose from
AT = {"at_dataset": "dataset", "at_network": "network", "at_batch": "batch", "at_lr": "lr"}


@dataclass(frozen=True)
class View:
    """One look at a sweep."""

    watched: Watched
    state: State
    sweep_id: str  # "" for the recorded one
    mine: bool  # this visitor may stop it
    at: Place  # its micro-batch is that of the figure by learning rate
    baseline: str
    reach: float  # a fraction

    @property
    def table(self) -> Table:
        return self.state.table

    @property
    def sweep(self) -> Sweep:
        return self.watched.sweep

    @property
    def status(self) -> str:
        """running, stopped, finished or interrupted; recorded."""
        return self.state.status if self.sweep_id else "recorded"

    @property
    def moving(self) -> bool:
        return self.status == "running"

    @property
    def tick(self) -> float | None:
        """Seconds until it is worth looking again; None: nothing moves."""
        return TICK if self.moving else None


def enter(url: Mapping[str, list[str]], lab: Lab) -> None:
    """Fill the session: from the link at the first visit, later from what was kept."""
    state = st.session_state
    whose.take(whose.BATCH_SIZE)
    # Streamlit forgets widgets that it does not draw.
    for name in (*whose.NAMES[whose.BATCH_SIZE], *address.LOOKS, "follow"):
        if name in state:
            state[name] = state[name]
    if SWEEP not in state:
        state[SWEEP] = url.get("sweep", [""])[-1]
        found = sweeps(lab.supervisor.reader, 1)
        state[LATEST] = found[0].id if found else ""
        watched = lab.sweeps.watch(state[SWEEP]) if state[SWEEP] else None
        form.seed(url, watched.sweep if watched else None)


def look(lab: Lab) -> View:
    """Look at the visitor's sweep, else at the latest, else at the recorded one."""
    state = st.session_state
    asked = state.get(SWEEP) or state.get(LATEST, "")
    watched = lab.sweeps.watch(asked) if asked else None
    if watched is None and state.get(LATEST):
        watched = lab.sweeps.watch(state[LATEST])
    watched = watched or lab.recorded_sweep
    now = watched.look()
    mine = bool(watched.shown_id) and watched.owner in ("", visitor())
    table = now.table
    baseline = settle("baseline", table.entrants, default_baseline(table))
    reach = state.get("reach")
    return View(
        watched, now, watched.shown_id, mine, place(table), baseline,
        (link.LOOKS["reach"] if reach is None else reach) / 100,
    )  # fmt: skip


def place(table: Table) -> Place:
    """Where in the grid: what was picked, where there is a choice."""
    found: dict[str, Any] = {}
    for key, field in AT.items():
        values = table.values_of(field)
        texts = [text(value) for value in values]
        found[field] = values[texts.index(settle(key, texts, texts[len(texts) // 2]))]
    sizes = [text(value) for value in table.values_of("micro_batch")]
    found["micro_batch"] = int(settle("at_m", sizes, sizes[0]))
    return Place(**found)


def text(value: Any) -> str:
    """A value of an axis as a choice and in the link."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def settle(key: str, options: Any, otherwise: str) -> str:
    """A choice; one that is none of the options gives way."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = otherwise
    chosen: str = st.session_state[key]
    return chosen


def default_baseline(table: Table) -> str:
    """Batch norm where it takes part, else the first."""
    return "batch" if "batch" in table.entrants else table.entrants[0]


def looks(view: View) -> dict[str, Any]:
    """How the sweep is looked at, for the link: nothing where there is no choice."""
    state, table = st.session_state, view.table
    found = {
        key: state.get(key, "") if len(table.values_of(field)) > 1 else ""
        for key, field in AT.items()
    }
    found["at_m"] = state.get("at_m", "") if len(table.values_of("lr")) > 1 else ""
    first = text(table.values_of("micro_batch")[0])
    found["at_m"] = "" if found["at_m"] == first else found["at_m"]
    return found | {
        "baseline": "" if view.baseline == default_baseline(table) else view.baseline,
        "reach": 100 * view.reach,
        "explain": "on" if state.get("explain", True) in (True, "on") else "off",
    }


def known_sweeps(lab: Lab) -> dict[str, str]:
    """Sweeps to choose from, newest first, in words; the recorded one last."""
    rows = sweeps(lab.supervisor.reader, LISTED)
    return {row.id: described(row) for row in rows} | {"": "Recorded sweep"}


def described(row: SweepRow) -> str:
    """21 Nov, 14:05 · digits · 3 methods × 7 m × 3 seeds · finished."""
    given = json.loads(row.definition)
    counts = [
        f"{len(given[name])} {words}"
        for name, words in (("methods", "methods"), ("micro_batches", "m"), ("batches", "B"),
                            ("lrs", "rates"), ("seeds", "seeds"))
        if len(given[name]) > 1 or name in ("methods", "micro_batches", "seeds")
    ]  # fmt: skip
    when = time.strftime("%d %b, %H:%M", time.localtime(row.created)).lstrip("0")
    return f"{when} · {', '.join(given['datasets'])} · {' × '.join(counts)} · {row.status}"
