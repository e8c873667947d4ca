"""More about the network, on request: a running race is asked to measure its entrants in turn."""

from dataclasses import dataclass, field, replace
from html import escape

import streamlit as st

from app.figures import diagnostics as figures
from app.figures.diagnosis_words import fisher_words, noise_words
from app.lab import Lab
from app.layers.scene import Scene
from app.live import figure
from app.visitor import visitor
from app.watch import MOVING
from app.wording import name
from bkn.store.cache import RaceCache

ASKED = "_diagnosing"  # key of what was asked of which race
REFUSED = "_diagnosis_refused"  # key of why nothing is measured
HEIGHT = 300  # pixels


@dataclass(frozen=True)
class Asked:
    """Entrants still to be measured, the first of them now; and what had happened before."""

    race_id: str
    left: tuple[int, ...]
    after: int  # id of the latest event when the first of them was asked for
    count: int = field(default=1)  # how many were asked for in all


def more(lab: Lab, scene: Scene) -> None:
    """A button, what it does now, and the figures of what was measured."""
    reports = figures.latest(scene.cache)
    with st.expander("More: diagnostics of activations, gradients and curvature"):
        with st.container(horizontal=True, vertical_alignment="center", key="diagnose"):
            asked = go_on(lab, scene)
            if asked:
                st.button("Cancel", "measure_cancel", on_click=cancel)
            else:
                st.button(
                    "Measure now", "measure_now", icon=":material/timer:",
                    on_click=ask, args=(lab, scene), disabled=not able(scene),
                )  # fmt: skip
            st.html(f'<div class="bkn-now" role="status">{progress(scene, asked)}</div>')
        if refused := st.session_state.get(REFUSED):
            st.error(refused)
        if reports:
            found(scene, reports)


def able(scene: Scene) -> bool:
    """Whether this visitor may ask this race."""
    mine = scene.watched.owner in ("", visitor())
    return bool(scene.race_id) and scene.status in MOVING and mine


def ask(lab: Lab, scene: Scene) -> None:
    """Callback: measure every entrant that still trains, one after the other."""
    st.session_state.pop(REFUSED, None)
    active = tuple(run.position for run in scene.cache.runs if run.status in MOVING)
    send(lab, Asked(scene.race_id, active, last_event(scene.cache), len(active)))


def send(lab: Lab, asked: Asked) -> None:
    """Ask for the first that is left; a refusal ends it in words."""
    st.session_state.pop(ASKED, None)
    if not asked.left:
        return
    try:
        lab.diagnose(asked.race_id, asked.left[0])
    except ValueError as refused:
        st.session_state[REFUSED] = str(refused)
    else:
        st.session_state[ASKED] = asked


def cancel() -> None:
    """Callback: what is being measured goes on to its end, nothing follows."""
    st.session_state.pop(ASKED, None)


def go_on(lab: Lab, scene: Scene) -> Asked | None:
    """What is being measured; asks for the next entrant when one is done."""
    asked: Asked | None = st.session_state.get(ASKED)
    if asked is None or asked.race_id != scene.race_id:
        return None
    if scene.status not in MOVING:
        cancel()
        return None
    for event in scene.cache.events:
        if event.id <= asked.after:
            continue
        if event.kind == "refused" and event.payload.get("command") == "diagnose":
            st.session_state[REFUSED] = f"Not measured: {event.payload.get('message', '')}."
            cancel()
            return None
        if event.kind == "diagnosis" and event.payload["run"] == asked.left[0]:
            send(lab, replace(asked, left=asked.left[1:], after=event.id))
            return st.session_state.get(ASKED)
    return asked


def last_event(cache: RaceCache) -> int:
    """Id of the latest event."""
    return cache.events[-1].id if cache.events else 0


def progress(scene: Scene, asked: Asked | None) -> str:
    """What is going on, or what the button would do."""
    if asked:
        number = asked.count - len(asked.left) + 1
        who = name(scene.cache, asked.left[0])
        return f"Measuring {who}, {number} of {asked.count}; the race waits."
    if able(scene):
        return "Takes seconds for every method; the race waits, what it computes stays the same."
    if not scene.race_id or scene.status not in MOVING:
        return "Only a race that runs or is paused can be measured."
    return "Another visitor runs this race."


def found(scene: Scene, reports: list[figures.Report]) -> None:
    """Everything that was measured last."""
    race = scene.cache.race
    for report in reports:
        words = f"{fisher_words(report)} {noise_words(report)}".strip()
        who = name(scene.cache, report["run"])
        st.html(f'<p class="bkn-said">{who}, step {report["step"]:,}: {escape(words)}</p>')
    specs = {
        "fig_profile": figures.profile(reports, race),
        "fig_drift": figures.profile(reports, race, "mean"),
        "fig_gradient": figures.gradient(reports, race),
        "fig_signs": figures.sign_agreement(reports, race),
        "fig_tails": figures.tails(reports, race),
        "fig_downhill": figures.loss_along_gradient(reports, race),
    }
    columns = st.columns(2, gap="small")
    for number, (key, spec) in enumerate(specs.items()):
        with columns[number % 2]:
            figure(key, spec, height=HEIGHT)
