"""The transport row: Start, Pause, Step, Stop, Reset, and what they do to a race.

Streamlit sometimes sends one click twice: with a refresh that falls due at the same moment, and by
itself. So what a button does may be done twice with no harm, and no button changes its meaning:
Pause and Resume are two, or the second half of a click on one would press the other. Only Step may
then take two steps; a paused page refreshes so seldom that this is rare.
"""

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from app import downloads, forms
from app.address import OPTIONS
from app.forms import LIVE, Wanted
from app.lab import Lab
from app.moved import known, moved
from app.visitor import visitor
from app.watch import RUN, View, status_line

RESUMABLE = ("interrupted", "stopped")


def row(lab: Lab, view: View, wanted: Wanted) -> None:
    """Draw the row; a button that would do nothing is disabled.

    What is started are the settings at the click: the last one may have moved just before it.
    """
    mine = view.moving and view.mine
    able = wanted.race is not None and downloads.are_here([wanted.race.common.dataset])
    goes_on = may_resume(view)
    waits = goes_on or view.status == "paused"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="transport"):
        button("Restart" if mine else "Start", "start", ":material/play_arrow:", able,
               lambda: start(lab, view, forms.wanted()), primary=True)  # fmt: skip
        if waits:
            button("Resume", "go_on", ":material/play_arrow:", mine or goes_on,
                   lambda: resume(lab, view))  # fmt: skip
        else:
            button(
                "Pause", "pause", ":material/pause:", mine, lambda: lab.tell(view.race_id, "pause")
            )
        button("Step", "step", ":material/skip_next:", waits if mine else able,
               lambda: one_step(lab, view, forms.wanted()))  # fmt: skip
        button("Stop", "stop", ":material/stop:", mine, lambda: lab.tell(view.race_id, "stop"))
        button("Reset", "reset", ":material/restart_alt:", bool(view.race_id),
               lambda: reset(lab, view))  # fmt: skip
        st.html(f'<div class="bkn-now" role="status">{status_line(view)}</div>')


def button(
    label: str,
    key: str,
    icon: str,
    enabled: bool,
    act: Callable[[], object],
    primary: bool = False,
) -> None:
    """One button of the row; whatever the lab refuses is said on the page."""
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    st.button(
        label, key, icon=icon, disabled=not enabled, type=kind, on_click=in_words, args=(act,)
    )


def in_words(act: Callable[[], object]) -> None:
    """Do something; if it is refused, keep the sentence for the page."""
    st.session_state.pop("_refused", None)
    try:
        act()
    except ValueError as refused:
        st.session_state["_refused"] = str(refused)


def start(lab: Lab, view: View, wanted: Wanted, paused: bool = False) -> str:
    """Start the wanted race and put its link into the address; ends the visitor's running one."""
    if wanted.race is None:
        raise ValueError(wanted.problem)
    if view.status == "queued" and view.mine and view.race == wanted.race:
        return view.race_id  # begun a moment ago, and the same
    if view.moving and view.mine:
        lab.tell(view.race_id, "stop")
    race_id = lab.supervisor.start(wanted.race, wanted.speed, paused=paused)
    watched = lab.watch(race_id)
    if watched is not None:
        watched.owner = visitor()
    known().update(wanted.values)
    st.session_state[RUN] = race_id
    return race_id


def one_step(lab: Lab, view: View, wanted: Wanted) -> None:
    """A single step of the paused race; without a race, of a new one."""
    if view.moving and view.mine:
        lab.tell(view.race_id, "step")
    else:
        lab.tell(start(lab, view, wanted, paused=True), "step")


def reset(lab: Lab, view: View) -> None:
    """Back to the recorded race; the visitor's running race is ended."""
    if view.moving and view.mine:
        lab.tell(view.race_id, "stop")
    st.session_state[RUN] = ""


def may_resume(view: View) -> bool:
    """Whether a race that is over left a checkpoint to go on from."""
    over = view.status in RESUMABLE and view.watched.cache.checkpoint is not None
    return bool(view.race_id) and over and view.mine


def resume(lab: Lab, view: View) -> None:
    """Go on: with a paused race, or with one that is over, from its last checkpoint."""
    lab.tell(view.race_id, "resume")
    view.watched.owner = visitor()


def apply_changes(lab: Lab, view: View, wanted: Wanted) -> None:
    """Send the settings that a hand has just moved to the running race, if they act at once."""
    before = known()
    for name in moved(wanted.values, before) if view.moving and view.mine else ():
        if command := live_name(name):
            value = wanted.speed if name == "speed" else wanted.values[name]
            refused = ""
            try:
                lab.supervisor.send(view.race_id, command, value=value)
            except ValueError as error:
                refused = str(error)
            before[name] = wanted.values[name]
            st.session_state["_refused"] = refused
    before.update(wanted.values)


def live_name(setting: str) -> str:
    """The command that changes this setting in a running race, "" if it waits for Start."""
    if setting in LIVE:
        return setting
    return OPTIONS[setting][1].name if setting in OPTIONS and OPTIONS[setting][1].live else ""


def waits_for_start(view: View, wanted: Wanted) -> bool:
    """Whether the settings ask for another race than the one that runs, live ones aside."""
    if not view.moving or wanted.race is None:
        return False
    return without_live(wanted.race) != without_live(view.race)


def without_live(race: Any) -> list[Any]:
    """What makes a race this race: all settings but those that may change while it runs."""
    found: list[Any] = [race.probe]
    for one in race.experiments:
        live = {param.name for param in one.method_card.params if param.live}
        kept = {name: value for name, value in one.options.items() if name not in live}
        found.append((one.method, kept, one.dataset, one.network, one.batch, one.epochs, one.seed))
        found.append((one.network_options, one.dataset_options))
        found.append((one.copies, one.layout, one.augment))
    return found
