"""What the page shows now: the race in the link, else the recorded one, and how it is doing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import streamlit as st

from app import downloads, pulse
from app.forms import LOOKS
from app.lab import Lab, Watched
from app.replay import UpTo
from app.visitor import visitor
from bkn.catalog import DATASETS
from bkn.experiment import Experiment, Race
from bkn.store.cache import RaceCache

RUN = "_run"  # key of the watched race's id in the session, "" for the recorded race
DRAWING = "_drawing"  # key of whether the whole page is being drawn
MOVING = ("queued", "running", "paused")  # a worker has it in hand
REPLAY_SECONDS = 10.0
FIRST_PICTURE = 0.5  # share of the recorded race that the first paint shows
Pace = tuple[float | None, str]  # seconds between looks, and what is looked at
TICKS = {"queued": 0.2, "running": 0.4, "paused": 2.0}  # seconds between refreshes


@dataclass(frozen=True)
class View:
    """One look at a race."""

    watched: Watched
    picture: RaceCache  # what the figures draw
    race_id: str  # "" for the recorded race
    status: str
    step: int
    message: str
    mine: bool  # this visitor may control it
    tick: float | None  # seconds until it is worth looking again; None: nothing moves

    @property
    def race(self) -> Race:
        return self.watched.cache.race

    @property
    def moving(self) -> bool:
        return bool(self.race_id) and self.status in MOVING


def look(lab: Lab) -> View:
    """Look at the visitor's race, else at the recorded one; refreshes its cache."""
    race_id = st.session_state.get(RUN, "")
    watched = lab.watch(race_id) if race_id else None
    if watched is None:
        return look_at_recorded(lab.recorded)
    with watched.lock:
        watched.refresh()
    runs = watched.cache.runs
    status = watched.cache.status
    step = max(run.step for run in runs)
    return View(
        watched,
        frozen(watched.cache, race_id, step),
        race_id,
        status,
        step,
        next((run.message for run in runs if run.message), ""),
        watched.owner in ("", visitor()),
        downloads.soonest(TICKS.get(status)),
    )


def race_of(lab: Lab, race_id: str) -> Race | None:
    """The race of that id, if the store knows it."""
    watched = lab.watch(race_id) if race_id else None
    return watched.cache.race if watched else None


def look_at_recorded(watched: Watched) -> View:
    """The recorded race: half of it at once, then it plays to its end and rests."""
    steps = watched.cache.race.common.steps
    began = st.session_state.setdefault("_replay", (time.monotonic(), FIRST_PICTURE))
    share = began[1] + (time.monotonic() - began[0]) / REPLAY_SECONDS
    step = min(steps, round(share * steps))
    picture = frozen(watched.cache, "", step)
    status = "replay" if step < steps else "recorded"
    tick = TICKS["running"] if step < steps else None
    return View(watched, picture, "", status, step, "", False, downloads.soonest(tick))


def warm_when_seen(lab: Lab, view: View) -> None:
    """Get a worker ready once the page is in the browser, not while it is still on its way."""
    if st.session_state.setdefault("_seen", False) or view.tick is None:
        lab.warm()
    st.session_state["_seen"] = True


def replay() -> None:
    """Play the recorded race again from its start."""
    st.session_state["_replay"] = (time.monotonic(), 0.0)


def frozen(cache: RaceCache, race_id: str, step: int) -> RaceCache:
    """The cache, cut where the visitor stopped following it."""
    if st.session_state.get("follow", True):
        st.session_state.pop("_frozen", None)
        return cache if race_id else UpTo(cache, step)
    where = st.session_state.setdefault("_frozen", (race_id, step))
    return UpTo(cache, where[1] if where[0] == race_id else step)


def status_line(view: View) -> str:
    """running · step 90 of 210 · 31 steps/s · probe 6 % of the time."""
    steps = view.race.common.steps
    word = {"replay": "recorded race, playing", "recorded": "recorded race"}.get(view.status)
    parts = [word or view.status, f"step {view.step:,} of {steps:,}"]
    if view.status == "running" and (pace := view.watched.steps_per_second):
        parts.append(f"{pace:.0f} steps/s" if pace >= 10 else f"{pace:.1f} steps/s")
    share = view.picture.latest(0, "probe_share")
    if view.race_id and share is not None and view.race.probe != "off":
        parts.append(f"probe {share:.0%} of the time".replace("%", " %"))
    return " · ".join(parts)


def switches(view: View) -> bool:
    """What is shown, and how: returns whether the figures explain themselves."""
    with st.container(horizontal=True, vertical_alignment="center", key="switches"):
        st.html(f'<p class="bkn-shown">{description(view)}</p>')
        if not view.race_id:
            st.button("Replay", key="replay", icon=":material/replay:", on_click=replay)
        st.toggle("Follow", value=True, key="follow")
        explain = st.session_state[LOOKS]["explain"] == "on"
        return st.toggle("Explain", value=explain, key="explain")


def description(view: View) -> str:
    """The settings of the race that is shown, as they are now, in one line."""
    common, now = view.race.common, {}
    for event in view.picture.events:
        now[event.kind] = event.payload.get("value")
    line = (
        f"{DATASETS[common.dataset].title.split(',')[0]} · {common.network} · "
        f"({common.batch}, {now.get('micro_batch', common.micro_batch)}){images_words(common)} · "
        f"learning rate {now.get('lr', common.lr):g} · "
        f"{common.epochs} epochs · seed {common.seed}"
    )
    if view.moving and view.mine:
        return f"{escape(line)}<br>Restart and Reset end this race; it stays under its link."
    if view.race_id:
        return escape(line)
    return f"<b>Recorded race:</b> {escape(line)}. Press Start to run your own."


def images_words(common: Experiment) -> str:
    """What a step does to every image: ", 4 copies, padded and cropped"; nothing for nothing."""
    words = ""
    if common.copies > 1:
        apart = " far apart" if common.layout == "copy_major" else ""
        words = f", {common.copies} copies{apart}"
    if common.augment != "none":
        words += ", cropped and flipped" if common.augment == "crop_flip" else ", cropped"
    return words


def refreshing(body: Callable[[], None], tick: float | None) -> None:
    """Draw the body now, and again every `tick` seconds."""

    def now() -> None:
        if pulse.missed():
            st.rerun()
        body()
        pulse.beat(tick)

    st.session_state[DRAWING] = True
    st.fragment(now, run_every=tick)()
    st.session_state[DRAWING] = False


def keep_pace(drawn: Pace, now: Pace) -> None:
    """Draw the whole page anew when another race or another pace has come since it was drawn.

    Not while it is being drawn, if it will look again anyway: a browser that is slow would hear of
    the widgets first without the values that were set for them, show its own, and send those back.

    Args:
        drawn: what the whole page was drawn for.
        now: what it would be drawn for.
    """
    waits = st.session_state[DRAWING] and drawn[0] is not None
    if now != drawn and not waits:
        st.rerun()
