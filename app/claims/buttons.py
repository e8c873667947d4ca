"""Run, Stop and Continue of one claim and of all, with what it takes said before the click."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Literal

import streamlit as st

from app import downloads
from app.claims import acting, plan, scene
from app.claims.looks import count
from app.claims.standing import Standing
from app.lab import Lab
from bkn.catalog import DATASETS
from bkn.engine.estimate import Estimate, duration
from bkn.fetch.state import how_to

PLAY = ":material/play_arrow:"


def button(
    label: str,
    key: str,
    icon: str,
    act: Callable[[], object],
    enabled: bool = True,
    primary: bool = False,
) -> None:
    """A button whose refusal is said on the page."""
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    st.button(label, key, icon=icon, disabled=not enabled, type=kind,
              on_click=acting.in_words, args=(act,))  # fmt: skip


def notices(lab: Lab) -> None:
    """What was refused, and why everything was given up."""
    if refused := st.session_state.get(acting.REFUSED):
        st.error(refused)
    if lab.conductor.trouble:
        st.error(lab.conductor.trouble)


def one_claim(lab: Lab, one: Standing) -> None:
    """The buttons of an opened claim, and what stands in their way."""
    missing = plan.lacks(one)
    left = len(one.jobs) - one.done
    with st.container(horizontal=True, vertical_alignment="center", key="claim_run"):
        if one.stage == "running":
            button("Stop", "stop_claim", ":material/stop:", lambda: acting.stop(lab, [one]),
                   acting.mine([one]))  # fmt: skip
        elif left:
            button(run_words(one, missing), "run_claim", PLAY, lambda: acting.run(lab, [one]),
                   not missing.data, primary=True)  # fmt: skip
        elif one.own.failed:
            button("Try again what failed", "retry_claim", ":material/replay:",
                   lambda: acting.retry(lab, one))  # fmt: skip
        st.html(f'<p class="bkn-shown" role="status">{escape(effort(lab, one))}</p>')
    if left and one.stage != "running":
        for key in missing.data[:1]:  # one is fetched at a time
            downloads.about(key)
        if missing.speed:
            st.warning(missing.speed)
    if one.stage == "interrupted":
        st.warning(
            f"The server that ran this claim ended after {one.done:,} of "
            f"{count(len(one.jobs), 'run')}. Continue goes on with the rest."
        )
    for message in one.messages:
        st.warning(message)
    if one.stage == "running" and not acting.mine([one]):
        st.caption(":material/visibility: Another visitor runs this claim.")


def run_words(one: Standing, missing: plan.Lacks) -> str:
    """What the button says."""
    if missing.speed:
        return "Run on the CPU all the same"
    return "Continue" if one.stage else "Run this claim"


def effort(lab: Lab, one: Standing) -> str:
    """80 runs left, about 3 min, 1 at a time."""
    left = len(one.jobs) - one.done
    if not left:
        return f"All {count(len(one.jobs), 'run')} are done."
    found = scene.plans().left(lab, [one])
    return f"{count(left, 'run')} left, {took(found)}, {found.slots} at a time."


def took(found: Estimate) -> str:
    """About 3 min."""
    if found.seconds is None:
        return "time not known yet"
    where = " where they were recorded" if scene.plans().borrowed else ""
    return f"about {duration(found.seconds)}{where}"


def whole(lab: Lab, one: Standing, protocol: str) -> str:
    """80 runs, about 3 min here: what a protocol takes from its start."""
    found = scene.plans().whole(lab, one.claim, protocol)
    runs = count(found.jobs_left, "run")
    if protocol == "gpu" and not plan.gpus():
        return f"{runs}; needs a GPU, which this machine has not"
    return f"{runs}, {took(found)}" + ("" if scene.plans().borrowed else " here")


def all_claims(lab: Lab, standings: Sequence[Standing]) -> None:
    """Run all and Stop all; to run all takes long, so it asks first."""
    running = [one for one in standings if one.stage == "running"]
    if startable(standings):
        st.button("Run all", "run_all", icon=PLAY, on_click=acting.confirm, args=(True,))
    if running:
        button("Stop all", "stop_all", ":material/stop:", lambda: acting.stop(lab, running),
               acting.mine(running))  # fmt: skip


def startable(standings: Sequence[Standing]) -> list[Standing]:
    """Those with runs left that nobody makes."""
    return [one for one in standings if one.done < len(one.jobs) and one.stage != "running"]


def confirmation(lab: Lab, standings: Sequence[Standing]) -> None:
    """What running all takes, and the question whether to."""
    left = startable(standings)
    if not st.session_state.get(acting.CONFIRM) or not left:
        return
    able = [one for one in left if not plan.lacks(one).data]
    with st.container(border=True, key="confirm_all"):
        st.html(f'<p class="bkn-said">{escape(question(lab, left, able))}</p>')
        with st.container(horizontal=True):
            button("Yes, run them", "run_all_yes", PLAY, lambda: acting.run(lab, able),
                   bool(able), primary=True)  # fmt: skip
            st.button("No", "run_all_no", on_click=acting.confirm, args=(False,))


def question(lab: Lab, left: Sequence[Standing], able: Sequence[Standing]) -> str:
    """What is said before all run."""
    lacking = [plan.lacks(one) for one in left]
    said = [
        f"{downloads.name(card)} is not on this machine; {how_to(card)}."
        for card in (DATASETS[key] for one in lacking for key in one.data)
    ]
    said += [one.speed for one in lacking if one.speed]
    if able:
        found = scene.plans().left(lab, able)
        said.append(
            f"{count(len(able), 'claim')} with {count(found.jobs_left, 'run')} left: "
            f"{took(found)}, {found.slots} at a time. They go on when this window is closed; "
            "Stop all ends them, and what is done is kept."
        )
    return " ".join(dict.fromkeys(said))
