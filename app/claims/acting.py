"""What the buttons of the Claims page do: run, continue, stop, try again."""

from collections.abc import Callable, Iterable

import streamlit as st

from app.claims import scene
from app.claims.standing import Standing
from app.lab import Lab
from app.visitor import visitor
from bkn.store.errors import StoreError

REFUSED = "_claims_refused"  # key of what was refused just now
CONFIRM = "_claims_all"  # key of whether Run all waits for a yes


def in_words(act: Callable[[], object]) -> None:
    """Do something and look again; a refusal is kept for the page."""
    st.session_state.pop(REFUSED, None)
    try:
        act()
    except (ValueError, StoreError) as refused:
        st.session_state[REFUSED] = str(refused)
    scene.heard()
    scene.standings().forget()


def confirm(wanted: bool) -> None:
    """Ask, or no longer ask, whether all shall run."""
    st.session_state[CONFIRM] = wanted


def run(lab: Lab, standings: Iterable[Standing]) -> None:
    """Start or continue whatever is not done."""
    confirm(False)
    for one in standings:
        for sweep in one.claim.protocol(one.protocol).sweeps:
            if any(job.id not in one.done_ids for job in sweep.jobs):
                scene.owners()[lab.conductor.start(sweep)] = visitor()


def retry(lab: Lab, one: Standing) -> None:
    """Run once more what failed."""
    failed = {job.id for job in one.own.failed}
    for sweep in one.claim.protocol(one.protocol).sweeps:
        if any(job.id in failed for job in sweep.jobs):
            sweep_id = lab.conductor.start(sweep)
            lab.conductor.resume(sweep_id, again=True)
            scene.owners()[sweep_id] = visitor()


def stop(lab: Lab, standings: Iterable[Standing]) -> None:
    """Stop their sweeps as far as they are this visitor's; what is done is kept."""
    for sweep_id in {i for one in standings for i in one.sweep_ids}:
        if owner_of(sweep_id) in ("", visitor()):
            lab.conductor.stop(sweep_id)


def owner_of(sweep_id: str) -> str:
    """The visitor who started a sweep; "" where the server does not know."""
    return scene.owners().get(sweep_id, "")


def mine(standings: Iterable[Standing]) -> bool:
    """Whether this visitor may stop any of what runs."""
    return any(
        owner_of(sweep_id) in ("", visitor()) for one in standings for sweep_id in one.sweep_ids
    )
