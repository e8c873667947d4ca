"""Start, Stop and Continue of a sweep, how far it is, and what has to be said about it."""

from html import escape

import streamlit as st

from app import downloads
from app.batch_size import form, plan
from app.batch_size.form import Wanted
from app.batch_size.scene import SWEEP, View
from app.lab import Lab
from app.transport import button
from app.visitor import visitor

CONTINUED = ("stopped", "interrupted")
REFUSED = "_refused"  # key of what was refused just now; app.transport keeps it


def row(lab: Lab, view: View, wanted: Wanted) -> None:
    """Draw the row; a button that would do nothing is disabled."""
    running = view.moving and wanted.sweep == view.sweep
    able = wanted.sweep is not None and not running and plan.able(lab, wanted.sweep)
    failed = failures(view)
    again = view.status == "finished" and failed > 0
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="transport"):
        button("Start", "start", ":material/play_arrow:", able,
               lambda: start(lab, form.wanted()), primary=True)  # fmt: skip
        button("Stop", "stop", ":material/stop:", view.moving and view.mine,
               lambda: lab.conductor.stop(view.sweep_id))  # fmt: skip
        button("Try again what failed" if again else "Continue", "resume", ":material/resume:",
               bool(view.sweep_id) and (view.status in CONTINUED or again),
               lambda: resume(lab, view, again))  # fmt: skip
        st.html(f'<div class="bkn-now" role="status">{status_line(lab, view)}</div>')
    if view.moving:
        st.html(bar(view))


def start(lab: Lab, wanted: Wanted) -> None:
    """Start the wanted sweep and put its link into the address."""
    if wanted.sweep is None:
        raise ValueError(wanted.problem)
    took_over(lab, lab.conductor.start(wanted.sweep))


def resume(lab: Lab, view: View, again: bool) -> None:
    """Go on with what is left; with `again` also with what failed."""
    lab.conductor.resume(view.sweep_id, again=again)
    took_over(lab, view.sweep_id)


def took_over(lab: Lab, sweep_id: str) -> None:
    """The visitor watches a sweep that he has just set going; he may stop it."""
    watched = lab.sweeps.watch(sweep_id)
    if watched is not None:
        watched.owner = visitor()
    st.session_state[SWEEP] = sweep_id
    st.session_state[form.WRONG] = []


def failures(view: View) -> int:
    """Runs that failed."""
    return sum(cell.count("failed") for cell in view.table.cells.values())


def status_line(lab: Lab, view: View) -> str:
    """running · 12 of 63 runs · about 2 min left, 1 at a time."""
    done, whole = view.table.done(), len(view.sweep.jobs)
    word = "recorded sweep" if view.status == "recorded" else view.status
    parts = [word, f"{done:,} of {whole:,} run{'s' if whole != 1 else ''}"]
    if view.moving and (left := plan.left(lab, view.sweep)):
        parts.append(left)
    return " · ".join(parts)


def bar(view: View) -> str:
    """How far it is, as a thin bar."""
    done, whole = view.table.done(), len(view.sweep.jobs)
    return (
        f'<div class="bkn-progress" role="progressbar" aria-valuemin="0" '
        f'aria-valuemax="{whole}" aria-valuenow="{done}" aria-label="Runs that have ended">'
        f'<div style="width:{100 * done / whole:.1f}%"></div></div>'
    )


def notices(view: View, wanted: Wanted) -> None:
    """Links and settings that do not work, what is missing or refused, a sweep cut short."""
    asked = st.session_state.get(SWEEP, "")
    if asked and asked != view.sweep_id:
        st.warning(
            f"This lab knows no sweep {asked!r}: the link may come from another machine. Here is "
            f"{'the latest one' if view.sweep_id else 'the recorded one'}; Start begins your own."
        )
    if wrong := st.session_state.get(form.WRONG):
        st.warning("In the link: " + "; ".join(wrong))
    if wanted.problem:
        st.error(f"These settings cannot start: {wanted.problem}")
    downloads.about(wanted.values["dataset"])
    if refused := st.session_state.get(REFUSED):
        st.error(refused)
    if view.status == "interrupted":
        st.error(
            f"The sweep was interrupted after {view.table.done():,} of "
            f"{len(view.sweep.jobs):,} runs: its server ended. Continue goes on with the rest."
        )
    if view.state.row.message:
        st.warning(escape(view.state.row.message))
    if view.moving and not view.mine:
        st.caption(":material/visibility: Another visitor runs this sweep; Start begins your own.")
