"""What the Batch size page looks at: which sweep, and where in its grid."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import address, whose, widgets
from app.batch_size import form, link
from app.batch_size.history import State, Watched
from app.batch_size.table import Place, Table
from app.lab import Lab
from app.visitor import visitor
from bkn.catalog import DATASETS
from bkn.store.sweeps import SweepRow, sweeps
from bkn.sweep import Sweep

SWEEP = "_sweep"  # key of the watched sweep's id in the session, "" where nobody chose one
LATEST = "_sweep_latest"  # key of the sweep that is shown then, "" for the recorded one
WISHED = "_sweep_looks"  # key of how the link wants it to be looked at
LEFT = "_sweep_left"  # key of how it was looked at last
OPEN = "_sweep_open"  # key of the run that was clicked
TICK = 1.0  # seconds between refreshes while a sweep runs
LISTED = 30  # sweeps to choose from
PLACES = {  # key of a choice: field of a Place
    "at_dataset": "dataset", "at_network": "network", "at_batch": "batch", "at_lr": "lr",
    "at_m": "micro_batch",
}  # fmt: skip


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
        """Seconds until it is worth looking again; None: nothing moves.

        A run that is told to stop stands as running for a moment longer than its sweep.
        """
        moving = self.moving or any(cell.busy for cell in self.table.cells.values())
        return TICK if moving else None


def enter(url: Mapping[str, list[str]], lab: Lab) -> None:
    """Fill the session: from the link at the first visit, later from what was kept."""
    state = st.session_state
    entered = whose.take(whose.BATCH_SIZE)
    widgets.hold((*address.LOOKS, "follow"))  # of the Race page
    if SWEEP not in state:
        state[SWEEP] = url.get("sweep", [""])[-1]
        found = sweeps(lab.supervisor.reader, 1)
        state[LATEST] = found[0].id if found else ""
        watched = lab.sweeps.watch(state[SWEEP]) if state[SWEEP] else None
        state[WISHED] = form.seed(url, watched.sweep if watched else None)
    elif entered:
        state[WISHED] = state.get(LEFT, link.LOOKS)


def look(lab: Lab) -> View:
    """Look at the visitor's sweep, else at the latest, else at the recorded one."""
    state = st.session_state
    asked = state.get(SWEEP) or state.get(LATEST, "")
    watched = lab.sweeps.watch(asked) if asked else None
    if watched is None and state.get(LATEST):
        watched = lab.sweeps.watch(state[LATEST])
    watched = watched or lab.recorded_sweep
    chosen = widgets.follow("shown_sweep", watched.shown_id)
    if chosen != watched.shown_id:
        state[SWEEP] = chosen
        state[LATEST] = state.get(LATEST, "") if chosen else ""
        return look(lab)
    now = watched.look()
    mine = bool(watched.shown_id) and watched.owner in ("", visitor())
    at = {field: picked(now.table, key) for key, field in PLACES.items()}
    reach = state.get("reach", wished("reach"))
    return View(
        watched, now, watched.shown_id, mine, Place(**at), picked(now.table, "baseline"),
        (link.LOOKS["reach"] if reach is None else reach) / 100,
    )  # fmt: skip


def wished(key: str) -> Any:
    """How the link, or the last visit of the page, wants the sweep to be looked at."""
    return st.session_state[WISHED].get(key, link.LOOKS[key])


def choices(table: Table, key: str) -> dict[str, Any]:
    """What can be picked: as it stands in the link, and what it means."""
    values = table.entrants if key == "baseline" else table.values_of(PLACES[key])
    return {text(value): value for value in values}


def start_of(table: Table, key: str) -> str:
    """What is picked until somebody picks: what the link wishes, else something sensible."""
    known = list(choices(table, key))
    if wished(key) in known:
        return str(wished(key))
    if key == "baseline":
        return table.baseline
    return known[0] if key == "at_m" else known[(len(known) - 1) // 2]


def picked(table: Table, key: str) -> Any:
    """What is picked; a choice that this sweep does not have is forgotten."""
    known = choices(table, key)
    widgets.settle(key, known)
    return known[widgets.value(key, start_of(table, key))]


def text(value: Any) -> str:
    """A value of an axis as a choice and in the link."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def looks(view: View) -> dict[str, Any]:
    """How the sweep is looked at, for the link: nothing where nobody has to choose."""
    table, one_rate = view.table, len(view.table.values_of("lr")) == 1
    here = {key: text(getattr(view.at, field)) for key, field in PLACES.items()}
    here["baseline"] = view.baseline
    for key, value in here.items():
        known = list(choices(table, key))
        plain = len(known) == 1 or (key == "at_m" and (one_rate or value == known[0]))
        if plain or (key == "baseline" and value == table.baseline):
            here[key] = ""
    on = st.session_state.get("explain", True) in (True, "on")
    found = here | {"reach": 100 * view.reach, "explain": "on" if on else "off"}
    st.session_state[LEFT] = found
    return found


def known_sweeps(lab: Lab) -> dict[str, str]:
    """Sweeps to choose from, newest first, in words; the recorded one last."""
    rows = sweeps(lab.supervisor.reader, LISTED)
    return {row.id: described(row) for row in rows} | {"": "Recorded sweep"}


def settings_of(view: View) -> str:
    """What all runs that are shown have in common: Digits · convnet · B = 64 · 4 epochs ..."""
    first, at, seeds = view.sweep.jobs[0].experiment, view.at, sorted(view.table.seeds)
    spread = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    epochs = f"{first.epochs} epoch{'s' if first.epochs > 1 else ''}"
    data, rate = DATASETS[at.dataset].title.split(",")[0], f"learning rate {at.lr:g}"
    return " · ".join([data, at.network, f"B = {at.batch}", rate, epochs, spread])


def described(row: SweepRow) -> str:
    """21 Nov, 14:05 · digits · 3 methods × 7 m × 3 seeds · d97jqhrs.

    Never the same twice and never another one later: the browser sends it back as it was.
    """
    given = json.loads(row.definition)
    counts = [
        f"{len(given[name])} {word}{'s' if len(word) > 1 and len(given[name]) > 1 else ''}"
        for name, word in (("methods", "method"), ("micro_batches", "m"), ("batches", "B"),
                           ("lrs", "rate"), ("seeds", "seed"))
        if len(given[name]) > 1 or name in ("methods", "micro_batches", "seeds")
    ]  # fmt: skip
    when = time.strftime("%d %b, %H:%M", time.localtime(row.created)).lstrip("0")
    return f"{when} · {', '.join(given['datasets'])} · {' × '.join(counts)} · {row.id}"
