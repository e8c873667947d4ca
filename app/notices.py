"""What has to be said in words: wrong links and settings, and races that went wrong."""

import streamlit as st

from app import downloads, transport
from app.forms import Wanted
from app.lab import A_SWEEP, Lab
from app.watch import RUN, View


def about_settings(view: View, wanted: Wanted) -> None:
    """Links and settings that do not work, and what was refused."""
    asked = st.session_state.get(RUN, "")
    if asked and not view.race_id:
        st.warning(
            f"This lab knows no race {asked!r}: the link may come from another machine. "
            "Here is the recorded race; Start begins your own."
        )
    if wrong := st.session_state.get("_link"):
        st.warning("In the link: " + "; ".join(wrong))
    if wanted.problem:
        st.error(f"These settings cannot start: {wanted.problem}")
    downloads.about(wanted.values["dataset"])
    if transport.waits_for_start(view, wanted):
        st.caption(":material/schedule: The new settings apply at the next Start.")


def about_race(lab: Lab, view: View) -> None:
    """What was refused just now, and what is wrong with the watched race."""
    if refused := st.session_state.get("_refused"):
        st.error(refused)
    if view.moving and not view.mine:
        whose = "A sweep" if view.watched.owner == A_SWEEP else "Another visitor"
        st.caption(f":material/visibility: {whose} runs this race; Start begins your own.")
    if view.status == "interrupted":
        interrupted(lab, view)
    if view.status == "failed":
        st.error(f"The race failed at step {view.step}: {view.message} Start begins it anew.")
    gone = [run for run in view.picture.runs if run.status == "diverged"]
    if gone:
        what = " ".join(f"{run.label} diverged: {run.message.rstrip('.')}." for run in gone)
        st.warning(f"{what} A lower peak learning rate keeps it finite; Start begins anew.")


def interrupted(lab: Lab, view: View) -> None:
    """The worker is gone: say so, and offer to go on from the checkpoint."""
    st.error(f"The race was interrupted at step {view.step}: {view.message.rstrip('.')}.")
    if not transport.may_resume(view):
        return
    transport.button(
        "Resume from its last checkpoint", "resume", ":material/play_arrow:", True,
        lambda: transport.resume(lab, view),
    )  # fmt: skip
