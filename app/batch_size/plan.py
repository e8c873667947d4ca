"""How long a sweep will take, before it starts and while it runs; steps are timed where unknown."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from app import downloads
from app.batch_size.form import Wanted
from app.batch_size.words import left_out
from app.forms import entrant_words
from bkn.engine.estimate import Estimate, duration
from bkn.store.errors import StoreError
from bkn.sweep import Sweep

if TYPE_CHECKING:
    from app.batch_size.scene import View
    from app.lab import Lab

FRESH = 3.0  # seconds that an estimate is good for while a sweep runs
KEPT = 32  # sweeps
TICK = 0.5  # seconds between looks while steps are timed


@dataclass(frozen=True)
class Made:
    """An estimate, when it was made, and what the store held then."""

    estimate: Estimate
    at: float
    news: object


class Plans:
    """Estimates of sweeps, worked out once for all visitors."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Made] = OrderedDict()
        self._asked: set[str] = set()  # sweeps whose steps have been asked for: once is enough
        self._lock = threading.Lock()

    def of(self, lab: "Lab", sweep: Sweep, moving: bool = False) -> Estimate:
        """The estimate now; where nothing is known, a few steps are timed in the background.

        Args:
            lab: with the conductor that would run it.
            sweep: what is estimated.
            moving: runs are written all the time: an estimate is good for some seconds.
        """
        key, news, now = sweep.to_json(), lab.supervisor.reader.news(), time.monotonic()
        with self._lock:
            made = self._made.get(key)
            good = made is not None and (made.news == news or (moving and now - made.at < FRESH))
            if made is None or not good or made.estimate.seconds is None:
                made = self._made[key] = Made(lab.conductor.estimate(sweep), now, news)
                while len(self._made) > KEPT:
                    self._made.popitem(last=False)
            unknown = made.estimate.seconds is None and key not in self._asked
            if unknown and downloads.are_here(sweep.datasets):
                self._asked.add(key)
                lab.conductor.time(sweep)
            return made.estimate


def tick(lab: "Lab", wanted: Wanted) -> float | None:
    """Seconds until the estimate is worth another look; None: it stands."""
    if wanted.sweep is None:
        return None
    unknown = lab.plans.of(lab, wanted.sweep, moving=True).seconds is None
    return TICK if unknown and lab.conductor.timing else None


def able(lab: "Lab", sweep: Sweep) -> bool:
    """Whether its images are here, or all of it is done."""
    return downloads.are_here(sweep.datasets) or not lab.plans.of(lab, sweep).jobs_left


def line(lab: "Lab", wanted: Wanted, view: "View") -> None:
    """What Start would do and how long it would take, and what of the grid is left out.

    Of the sweep that runs the line of its status tells how long it takes.
    """
    if wanted.sweep is None:
        return
    sweep = wanted.sweep
    runs = view.moving and sweep == view.sweep
    said = "" if runs else before(lab, sweep, view.moving)
    misfits = left_out(sweep.misfits, {text: entrant_words(text) for text in sweep.methods})
    lines = "<br>".join(escape(one) for one in (said, misfits) if one)
    st.html(f'<p class="bkn-shown" role="status">{lines}</p>')


def before(lab: "Lab", sweep: Sweep, moving: bool) -> str:
    """63 runs, 42 of them done already: about 3 min left on this machine, 1 at a time."""
    whole, found = len(sweep.jobs), lab.plans.of(lab, sweep, moving)
    runs = f"{whole:,} run{'s' if whole > 1 else ''}"
    done = whole - found.jobs_left
    if not found.jobs_left:
        return f"{runs}, all done already: Start shows them at once."
    if done:
        runs += f", {done:,} of them done already"
    slots = f"{found.slots} at a time"
    if found.seconds is not None:
        rough = "" if found.measured == found.jobs_left else ", judged by similar ones"
        left = " left" if done else ""
        return f"{runs}: about {duration(found.seconds)}{left} on this machine, {slots}{rough}."
    if lab.conductor.timing:
        return f"{runs}: timing a few steps to tell how long that takes …"
    return f"{runs}, {slots}; how long that takes is not known yet."


def left(lab: "Lab", sweep: Sweep) -> str:
    """about 2 min left, 1 at a time; nothing where it is not known."""
    try:
        found = lab.plans.of(lab, sweep, moving=True)
    except StoreError:
        return ""
    if found.seconds is None:
        return ""
    return f"about {duration(found.seconds)} left, {found.slots} at a time"
