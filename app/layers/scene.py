"""What the Layers page looks at: a race, an entrant, a moment of its history, a layer, a channel.

What the visitor chose lives in the session under the widgets' keys; whatever of it this race does
not have gives way to a sensible choice, so that a widget never shows what is not there.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from app import forms, watch, widgets
from app.figures.errors import Moment
from app.lab import Lab, Watched
from app.layers import link, numbers
from app.layers.history import History, Snapshot, nearest
from app.palette import Ink, inks
from bkn.cards import MethodCard
from bkn.replay import UPDATES, Moments, moments
from bkn.snapshot import LayerArrays, LayerLayout
from bkn.store.cache import RaceCache

MINE = "_layers"  # key of what this page remembers while another page is shown
WRONG = "_layers_link"  # key of what the link got wrong
PLAYING = "_layers_playing"  # key of when the shown snapshot came up, and its step
MOVED = "_layers_q"  # key of whether a hand, or the link, chose a q
KEYS = ("source", "group", "at", "q", "channel")  # widgets that no other page keeps for us
RECORDED, WATCHED = "recorded", "watched"
BEAT = 0.25  # seconds from one snapshot to the next while playing
TICKS = {"queued": 0.5, "running": 1.0, "paused": 2.0}  # seconds between refreshes


@dataclass(frozen=True)
class Scene:
    """One look at one layer; what is not there is None."""

    watched: Watched
    race_id: str  # "" for the recorded race
    status: str
    position: int
    history: History
    steps: list[int]  # at which there are snapshots
    snapshot: Snapshot | None
    label: str | None
    index: int  # of the channel, among the kept ones
    group: int  # position of the micro-batch looked at
    source: str
    what: Moment
    q: float | None  # None until somebody chooses

    @property
    def cache(self) -> RaceCache:
        return self.watched.cache

    @property
    def tick(self) -> float | None:
        """Seconds until it is worth looking again; None: nothing moves."""
        if st.session_state.get(PLAYING):
            return BEAT
        return TICKS.get(self.status) if self.race_id else None

    @property
    def card(self) -> MethodCard:
        return self.cache.race.experiments[self.position].method_card

    @property
    def ink(self) -> Ink:
        return inks(self.cache.race)[self.position]

    @property
    def total(self) -> int:
        """Steps of the whole race, where the slider ends."""
        return max(self.cache.race.common.steps, *self.steps, 1) if self.steps else 1

    @cached_property
    def layer(self) -> tuple[LayerLayout, LayerArrays]:
        """What the snapshot holds of the picked layer; LookupError where there is no snapshot."""
        if self.snapshot is None or self.label is None:
            raise LookupError("this run has no snapshot yet")
        return self.snapshot.layer(self.label)

    @property
    def revision(self) -> str:
        """A name for pictures of this run."""
        return f"{self.race_id} {self.position}"

    @cached_property
    def replayed(self) -> Moments | None:
        """The kept micro-batches' posteriors if the gain had been the chosen q."""
        layout, arrays = self.layer
        update = UPDATES.get(layout.blending)
        if self.q is None or update is None or "prior_mean" not in arrays:
            return None
        prior = moments(arrays["prior_mean"], arrays["prior_var"])
        return update(prior, moments(arrays["seen_mean"], arrays["seen_var"]), self.q, None)


def enter(url: Mapping[str, list[str]], lab: Lab) -> None:
    """Fill the session: from the link at the first visit, later from what the page remembers."""
    state = st.session_state
    forms.hold()
    if watch.RUN not in state:
        state[watch.RUN] = url.get("run", [""])[-1]
        forms.seed({}, watch.race_of(lab, state[watch.RUN]))
    if MINE not in state:
        found, state[WRONG] = link.read(url)
        if state[watch.RUN] and watch.race_of(lab, state[watch.RUN]) is None:
            wrong(f"this lab knows no race {state[watch.RUN]!r}; here is the recorded one")
        state[MINE] = {}
        state[MOVED] = "q" in found
        for name, value in found.items():
            widgets.order(name, value)
    for name in KEYS:
        if name in state[MINE] and widgets.value(name) is None:
            widgets.order(name, state[MINE][name])


def chosen_race(lab: Lab) -> tuple[Watched, str]:
    """The visitor's race, else the recorded one; refreshed."""
    race_id = st.session_state.get(watch.RUN, "")
    if st.session_state.get("shown_race") == RECORDED:
        race_id = ""
    watched = lab.watch(race_id) if race_id else None
    if watched is None:
        return lab.recorded, ""
    with watched.lock:
        watched.refresh()
    return watched, race_id


def entrants(cache: RaceCache) -> list[int]:
    """Positions, those whose statistics estimate something first, of these those with a prior."""
    cards = [one.method_card for one in cache.race.experiments]
    return sorted(
        range(len(cards)), key=lambda p: (not cards[p].uses_prior, not cards[p].estimates)
    )


def look(lab: Lab) -> Scene:
    """Settle what is looked at; the session then holds only what this race has."""
    state = st.session_state
    watched, race_id = chosen_race(lab)
    cache = watched.cache
    widgets.reword("entrant", cache.race.labels)
    asked, there = widgets.value("entrant"), range(len(cache.race.experiments))
    by_link = "channel_of" not in state[MINE]  # no layer was looked at so far
    if asked not in there:
        if asked is not None and by_link:
            wrong(f"entrant must be a position from 0 to {there[-1]} in this race, got {asked}")
        widgets.order("entrant", entrants(cache)[0])
    position = widgets.value("entrant")
    card = cache.race.experiments[position].method_card
    source = widgets.value("source")
    if by_link and source not in (None, *sources(card)):
        wrong(f"{cache.race.labels[position]} has no {link.ERRORS[source]} to be judged")
    source = settle("source", sources(card), sources(card)[0])
    history = lab.histories.of(cache, position)
    steps = history.steps() if history.layout else []
    snapshot = shown_snapshot(cache, history, steps)
    if steps and snapshot is None:  # thinned away in between
        steps = history.steps()
        snapshot = shown_snapshot(cache, history, steps)
    what: Moment = settle("moment", ("var", "mean"), "var")
    label = settle_layer(snapshot, source, what)
    index, group = settle_channel(snapshot, label, source, what)
    q = state.get("q") if state.get(MOVED) else None
    return Scene(
        watched, race_id, cache.status, position, history, steps, snapshot, label, index, group,
        source, what, q,
    )  # fmt: skip


def sources(card: MethodCard) -> list[str]:
    """What errors a method can have."""
    if not card.estimates:
        return [numbers.OUTPUT]
    return [one for one in link.ERRORS if card.uses_prior or one not in ("prior", "posterior")]


def settle(name: str, options: Any, otherwise: Any) -> Any:
    """The choice; one that is none of the options is replaced."""
    if widgets.value(name) not in options:
        widgets.order(name, otherwise)
    return widgets.value(name)


def shown_snapshot(cache: RaceCache, history: History, steps: list[int]) -> Snapshot | None:
    """The snapshot nearest to the slider; while playing, the next one once it is due."""
    state = st.session_state
    if not steps:
        return None
    total = max(cache.race.common.steps, steps[-1], 1)
    if widgets.value("at", total + 1) > total:
        widgets.order("at", total)
    if PLAYING not in state:
        return history.at(nearest(steps, widgets.value("at")))
    since, at = state[PLAYING]
    step, now = nearest(steps, at), time.monotonic()
    after = steps[steps.index(step) + 1 :]
    if now - since >= BEAT and after:
        step, since = after[0], now
    state[PLAYING] = since, step
    if step == steps[-1]:
        widgets.order("at", total)
        del state[PLAYING]
    return history.at(step)


def settle_layer(snapshot: Snapshot | None, source: str, what: Moment) -> str | None:
    """The picked layer; until somebody picks, the one with the largest error."""
    if snapshot is None:
        return None
    labels = list(snapshot.arrays)
    if (asked := widgets.value("layer")) not in labels:
        if asked:
            wrong(f"this network has no layer {asked!r} that is probed")
        known = {la: snapshot.errors[la].get((source, what), float("nan")) for la in labels}
        largest = max(labels, key=lambda la: known[la] if known[la] == known[la] else -1.0)
        widgets.order("layer", largest)
    return str(widgets.value("layer"))


def settle_channel(
    snapshot: Snapshot | None, label: str | None, source: str, what: Moment
) -> tuple[int, int]:
    """Positions of the channel and the micro-batch; a new layer begins with its worst channel."""
    state = st.session_state
    if snapshot is None or label is None:
        return 0, 0
    layout, arrays = snapshot.layer(label)
    last, asked = state[MINE].get("channel_of"), widgets.value("channel")
    if asked is not None and last is None and asked not in layout.kept:
        wrong(f"layer {label!r} has no snapshots of a channel {asked}")
    if asked not in layout.kept or last not in (None, label):
        widgets.order("channel", layout.kept[numbers.worst_channel(arrays, source, what)])
    state[MINE]["channel_of"] = label
    groups = len(arrays["seen_mean"]) if "seen_mean" in arrays else 1
    group = settle("group", range(1, groups + 1), 1)
    return layout.kept.index(widgets.value("channel")), group - 1


def wrong(words: str) -> None:
    """Something that the link asked for and this race does not have."""
    st.session_state[WRONG] = [*st.session_state.get(WRONG, []), words]


def leave(scene: Scene) -> None:
    """Remember the choices, and write them into the address unless the picture plays."""
    state = st.session_state
    here = {name: widgets.value(name) for name in KEYS}
    state[MINE] |= {name: value for name, value in here.items() if value is not None}
    if state.get(PLAYING):
        return
    looks: dict[str, Any] = {
        "entrant": scene.position if scene.position != entrants(scene.cache)[0] else None,
        "layer": scene.label,
        "channel": here["channel"] if scene.label else None,
        "moment": scene.what,
        "source": scene.source if scene.card.estimates else None,
        "group": scene.group + 1,
        "at": here["at"] if scene.steps and here["at"] < scene.total else None,
        "q": scene.q,
        "explain": "on" if state.get("explain", True) in (True, "on") else "off",
    }
    found = link.write(looks, scene.race_id)
    if found != {name: st.query_params.get_all(name) for name in st.query_params}:
        st.query_params.from_dict(found)
