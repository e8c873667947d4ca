"""Claims: are the papers right, here?"""

import streamlit as st

from app import downloads, watch
from app.claims import board, scene
from app.lab import lab

TICK = 1.0  # seconds between looks while something runs

scene.enter({name: st.query_params.get_all(name) for name in st.query_params})


def pace() -> float | None:
    """Seconds until it is worth looking again; None: nothing moves."""
    found = scene.standings().look(scene.asked().protocol)
    runs = any(one.stage == "running" for one in found.values())
    return downloads.soonest(TICK if runs else None)


first = pace()


def now() -> None:
    """The part of the page that refreshes by itself."""
    asked = scene.asked()
    found = scene.standings().look(asked.protocol)
    board.top(lab(), found)
    board.body(lab(), found, asked)
    scene.leave(asked)
    watch.keep_pace((first, ""), (pace(), ""))


watch.refreshing(now, first)
