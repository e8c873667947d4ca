"""Which recorded layer is looked at: race, method, step, layer, channel and micro-batch.

What the link or the visitor asks for is settled against what the race has; what it has not gives
way to a sensible choice, and is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from app import watch
from app.kalman import recorded
from app.kalman.kept import draw, settings, wrong
from app.kalman.scene import Scene
from app.lab import Lab, Watched
from app.layers.history import History, Snapshot, nearest
from app.layers.numbers import worst_channel
from bkn.experiment import Experiment

RACES = 12  # of the store, the latest, that are looked through for snapshots
LATEST = "latest"  # the slider's right end: the last snapshot that there is by then
NAMES = {"race": "Race", "entrant": "Method", "layer": "Layer", "channel": "Channel",
         "group": "Micro-batch", "at": "Step of the training"}  # fmt: skip


@dataclass(frozen=True)
class Picked:
    """One recorded update, and the choices that led to it."""

    watched: Watched
    history: History
    snapshot: Snapshot
    position: int
    label: str
    index: int  # of the channel, among the kept ones
    group: int
    steps: list[int]  # after which this run has snapshots

    @property
    def experiment(self) -> Experiment:
        return self.watched.cache.race.experiments[self.position]

    @property
    def scene(self) -> Scene:
        """Its numbers."""
        layout = self.snapshot.layout.layer(self.label)
        network = self.history.reader.document(self.history.run_id, "network")
        feeding = recorded.feeds(network).get(self.label) if network else None
        return recorded.scene(
            self.snapshot.arrays, layout, self.index, self.group, self.experiment, feeding
        )


def pick(lab: Lab) -> Picked | str:
    """Draw the choices and settle them; else the reason why there is nothing to see."""
    races = known_races(lab)
    race = choose("race", list(races), "", lambda one: races[one])
    watched = lab.watch(race) if race else lab.recorded
    if watched is None:
        return f"This lab knows no race {race!r} any more."
    with watched.lock:
        watched.refresh()
    cache = watched.cache
    able = [p for p, one in enumerate(cache.race.experiments) if one.method_card.estimates]
    if not able:
        return "None of this race's methods estimates anything from its batch: nothing to filter."
    first = next((p for p in able if cache.race.experiments[p].method_card.uses_prior), able[0])
    labels = cache.race.labels
    entrants = [str(p) for p in able]
    position = int(choose("entrant", entrants, str(first), lambda p: labels[int(p)], labels))
    history = lab.histories.of(cache, position)
    steps = history.steps() if history.layout else []
    if not steps and cache.race.probe == "full" and cache.status in watch.MOVING:
        return "The first snapshot follows after a few steps."
    if not steps:
        return (
            "This race recorded no snapshots of its layers. Start one on the Race page with the "
            "probe at full, or choose another race."
        )
    step = choose_step(steps)
    snapshot = history.at(step)
    if snapshot is None:
        return f"The snapshot after step {step} was just thinned out. Choose another step."
    return inside(watched, history, snapshot, position, steps)


def inside(
    watched: Watched, history: History, snapshot: Snapshot, position: int, steps: list[int]
) -> Picked:
    """Layer, channel and micro-batch."""
    labels = list(snapshot.arrays)
    kept = st.session_state.get("layer")  # picked on another page
    label = choose("layer", labels, kept if kept in labels else labels[len(labels) // 2], str)
    layout, arrays = snapshot.layer(label)
    if not settings()["channel"]:  # settled once, so that it stays while the steps go by
        settings()["channel"] = str(layout.kept[worst_channel(arrays, "posterior", "var")])
    channel = int(choose("channel", [str(c) for c in layout.kept], str(layout.kept[0]), str))
    groups = recorded.usable_groups(arrays)
    group = int(choose("group", [str(g + 1) for g in groups], str(groups[0] + 1), str)) - 1
    index = layout.kept.index(channel)
    return Picked(watched, history, snapshot, position, label, index, group, steps)


def known_races(lab: Lab) -> dict[str, str]:
    """Ids and names: the app's own race, the visitor's, the latest with snapshots."""
    mine, asked = st.session_state.get(watch.RUN, ""), settings()["race"]
    if asked and watch.race_of(lab, asked) is None:
        wrong(f"this lab knows no race {asked!r}: the link may come from another machine")
        settings()["race"] = ""
    rows = lab.supervisor.reader.races(RACES)
    found = {row.id: row.race for row in rows if row.race.probe == "full"}
    for race_id in (mine, settings()["race"]):
        race = watch.race_of(lab, race_id)
        if race is not None:
            found[race_id] = race
    labels = {race_id: ", ".join(race.labels) for race_id, race in found.items()}
    return {"": "Recorded race of the app"} | {
        race_id: f"{'Your race' if race_id == mine else race_id}: {words}"
        for race_id, words in labels.items()
    }


def choose(
    name: str,
    options: Sequence[str],
    default: str,
    words: Callable[[str], str],
    called: Sequence[str] = (),
) -> str:
    """A selectbox for one setting; its default does not stand in the link."""
    asked = settings()[name]
    if asked and asked not in options:
        wrong(f"{name} must be one of {some(options)}, got {asked!r}")
        settings()[name] = asked = ""
    more = {} if name == "channel" else {"default": default}
    draw(
        st.selectbox, name, NAMES[name], options, value=asked or default, called=called,
        format_func=words, **more,
    )  # fmt: skip
    return asked or default


def some(options: Sequence[str]) -> str:
    """All of a few options, the ends of many."""
    known = [one for one in options if one]
    return ", ".join(known if len(known) <= 8 else [*known[:3], "…", known[-1]])


def choose_step(steps: list[int]) -> int:
    """The slider through the run's snapshots; the nearest to what is asked for."""
    asked = settings()["at"]
    if asked and not asked.isdecimal():
        wrong(f"at must be a step, a whole number from 0, got {asked!r}")
        settings()["at"] = asked = ""
    step = nearest(steps, int(asked)) if asked else steps[-1]
    if len(steps) > 1:
        stops = [*map(str, steps[:-1]), LATEST]  # the end moves on, and the slider need not move
        shown = LATEST if step == steps[-1] else str(step)
        draw(st.select_slider, "at", NAMES["at"], stops, value=shown, default=LATEST)
    return step


def about(picked: Picked) -> str:
    """Where the numbers come from, as HTML."""
    cache = picked.watched.cache
    channel = picked.snapshot.layout.layer(picked.label).kept[picked.index]
    steps = max(cache.race.common.steps, picked.snapshot.step)
    return (
        f"{escape(cache.race.labels[picked.position])}, {escape(picked.label)}, "
        f"channel {channel}, micro-batch {picked.group + 1}, "
        f"after step {picked.snapshot.step:,} of {steps:,}"
    )
