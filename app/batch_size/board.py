"""The figures of a sweep, and what a visitor picks in them."""

from html import escape

import streamlit as st

from app import pages, watch
from app.batch_size import scene
from app.batch_size.scene import OPEN, PLACES, View
from app.figures.sweep_curve import curve, rates
from app.figures.sweep_grid import grid, height
from app.figures.sweep_pairs import pairs
from app.figures.sweep_steps import steps
from app.forms import entrant_words
from app.lab import Lab
from app.live import Pick, figure
from app.widgets import explain, widget

TALL, HALF, LOW = 440, 340, 150  # pixels
WORDS = {"dataset": "Images", "network": "Network", "batch": "B", "lr": "Learning rate"}


def switches(lab: Lab, view: View) -> bool:
    """Which sweep, where in its grid, and whether the figures explain themselves."""
    known = scene.known_sweeps(lab)
    if view.sweep_id not in known:
        known = {view.sweep_id: f"Sweep {view.sweep_id}", **known}
    with st.container(horizontal=True, vertical_alignment="center", key="sweep_top"):
        widget(
            st.selectbox, "shown_sweep", "Sweep", list(known), format_func=known.__getitem__,
            label_visibility="collapsed",
        )  # fmt: skip
        for key, field in PLACES.items():
            if field in WORDS and len(view.table.values_of(field)) > 1:
                choose_one(view, key, WORDS[field], f"{WORDS[field]} {{}}")
        st.html(f'<p class="bkn-shown">{escape(scene.settings_of(view))}</p>')
        return explain()


def choose_one(view: View, key: str, label: str, words: str) -> None:
    """One choice; its default is what the link wishes, so that no run can lose it."""
    known = list(scene.choices(view.table, key))
    widget(
        st.selectbox, key, label, known, index=known.index(scene.start_of(view.table, key)),
        format_func=lambda one: words.format(entrant_words(one) if key == "baseline" else one),
        label_visibility="collapsed",
    )  # fmt: skip


def draw(view: View, explain: bool) -> None:
    """All figures and the table."""
    made, table, at = view.watched.made, view.table, view.at
    pick = clicked if view.sweep_id else None  # runs of the recorded sweep are not in the store
    tall = max(TALL, height(table))
    several = len(table.values_of("lr")) > 1
    with st.container(key="sweep_figures"):
        left, right = st.columns([58, 42], gap="small")
        with left:
            figure("fig_curve", made(("curve", at), lambda: curve(table, at)), height=tall,
                   explain=explain, on_pick=pick)  # fmt: skip
        with right:
            figure("fig_grid", made(("grid", at), lambda: grid(table, at)), height=tall,
                   explain=explain, on_pick=pick)  # fmt: skip
        left, right = st.columns(2, gap="small") if several else (st.container(), st.container())
        with left:
            reach_input()
            key = "steps", at, view.reach
            figure("fig_steps", made(key, lambda: steps(table, at, view.reach)), height=HALF,
                   explain=explain, on_pick=pick)  # fmt: skip
        with right:
            if several:
                size_input(view)
            figure("fig_lr", made(("rates", at), lambda: rates(table, at)),
                   height=HALF if several else LOW, explain=explain and several,
                   on_pick=pick)  # fmt: skip
    differences(view)


def size_input(view: View) -> None:
    """The micro-batch whose learning rates are compared."""
    with st.container(horizontal=True, vertical_alignment="center", key="m_row"):
        st.html('<p class="bkn-shown">Images per statistic</p>')
        choose_one(view, "at_m", "At m", "m = {}")


def reach_input() -> None:
    """The accuracy whose steps are counted."""
    with st.container(horizontal=True, vertical_alignment="center", key="reach_row"):
        st.html('<p class="bkn-shown">Accuracy to reach, %</p>')
        st.number_input("Accuracy to reach, %", 1.0, 100.0, scene.wished("reach"), 1.0,
                        format="%g", key="reach", label_visibility="collapsed")  # fmt: skip


def differences(view: View) -> None:
    """The table of paired differences and its baseline."""
    with st.container(key="pairs"):
        with st.container(horizontal=True, vertical_alignment="center", key="pairs_head"):
            st.html('<h3 class="bkn-question">How far are they apart, seed by seed?</h3>')
            choose_one(view, "baseline", "Against", "against {}")
        key = "pairs", view.at, view.baseline
        st.html(view.watched.made(key, lambda: pairs(view.table, view.at, view.baseline)))


def clicked(job_id: Pick) -> None:
    """A click on a cell or a point wants to see that run."""
    st.session_state[OPEN] = str(job_id)


def open_clicked() -> None:
    """Lead to the Race page with the run that was clicked."""
    if job_id := st.session_state.pop(OPEN, ""):
        st.session_state.pop(watch.RUN, None)  # the Race page then reads its link
        st.switch_page(pages.race(), query_params={"run": job_id})
