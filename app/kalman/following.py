"""A recorded layer of a race that still trains: the page is drawn anew with every snapshot."""

from app import watch, widgets
from app.kalman.kept import settings, widget_of
from app.kalman.picking import Picked
from app.lab import Lab
from app.layers.scene import TICKS


def follow(lab: Lab, picked: Picked | str) -> None:
    """Look for news of the race that is shown, as long as it may have some.

    The choices at the side depend on the snapshots too, so a part of the page would not do.

    Args:
        lab: whose store is asked.
        picked: what the page shows.
    """
    drawn = pace(lab, picked.steps if isinstance(picked, Picked) else [])
    if drawn[0] is not None:
        watch.refreshing(lambda: watch.keep_pace(drawn, pace(lab)), drawn[0])


def pace(lab: Lab, steps: list[int] | None = None) -> watch.Pace:
    """How soon it is worth looking again, and what there is to be seen now.

    Args:
        lab: whose store is asked.
        steps: after which snapshots are known; None to look for those that there are.
    """
    race = settings()["race"]
    watched = lab.watch(race) if race else None
    if watched is None:
        return None, ""
    with watched.lock:
        watched.refresh()
    cache = watched.cache
    position = int(widgets.value(widget_of("entrant"), 0))
    if steps is None:
        chosen = cache.race.experiments[position : position + 1]
        filters = any(one.method_card.estimates for one in chosen)
        history = lab.histories.of(cache, position) if filters else None
        steps = history.steps() if history and history.layout else []
    return TICKS.get(cache.status), f"{race} {position} {len(steps)} {steps[-1:]}"
