"""Training: the loss that is minimised, and the accuracy that counts."""

from typing import TYPE_CHECKING

import numpy as np

from app.figures import marks
from app.figures.smooth import moving_average, window
from app.figures.spec import (
    Dict,
    Spec,
    axis,
    entrant_chips,
    layout,
    line,
    listed,
    log_ticks,
    nats,
    packed,
    percent,
    revision,
    step_axis,
    waiting,
)
from app.palette import Ink, inks, tokens

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache

HELD_OUT = "held_out_accuracy"
TEST = (  # column, title, meaning, what is drawn
    "test_accuracy", "Does it recognise new images?", "Test images, by running statistics.",
    "test accuracy",
)  # fmt: skip
UNSEEN = (
    "Does it recognise a new style?", "Test images in the {} style, which training never sees.",
    "held-out accuracy",
)  # fmt: skip


def smoothed(cache: "RaceCache", position: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Steps, moving average of the training loss in nats, and its width in steps."""
    curve = cache.curve(position, "loss")
    width = window(curve.steps)
    return curve.steps, moving_average(curve.steps, curve.values, width), width


def loss(cache: "RaceCache") -> Spec:
    """Training loss on a log axis: moving average in front, everything recorded behind it."""
    drawn = list(enumerate(inks(cache.race)))
    behind: list[Dict] = []
    front: list[Dict] = []
    now, everything, width = [], [np.empty(0)], 0
    for position, ink in drawn:
        steps, mean, own_width = smoothed(cache, position)
        if not len(steps):
            continue
        width = max(width, own_width)
        behind += recorded(cache, position, ink)
        front.append(
            line(steps, mean, f"@e{position}", dash=ink.dash, name=ink.label,
                 chips=[f"e{position}"], column=ink.label, hovertemplate="%{y:.3g}",
                 mode="lines" if len(steps) > 2 else "lines+markers")
        )  # fmt: skip
        everything += [mean, np.asarray(cache.curve(position, "loss").values)]
        if np.isfinite(mean).any():
            now.append(f"{ink.label} {nats(float(mean[np.isfinite(mean)][-1]))}")
        if cache.runs[position].status == "diverged":
            front.append(broken_off(steps, mean, position, cache.runs[position].step))
    return {
        "title": "Is it learning?",
        "meaning": "Bold: "
        + (f"mean of {width} steps" if width else "moving average")
        + ". Pale: every value.",
        "label": f"Lines of the training loss in nats by step. Now: {listed(now)}." if now else "",
        "caption": f"Training loss in nats, mean of {width} steps",
        "data": behind + front,
        "layout": layout(
            revision(cache),
            **marks.shapes(cache),
            margin={"l": 8, "r": 14, "t": marks.room(cache), "b": 4},
            xaxis=step_axis(cache),
            yaxis=axis(title="training loss, nats", type="log", tickmode="array",
                       tickvals=log_ticks(np.concatenate(everything)), exponentformat="none"),
        ),
        "legend": entrant_chips(drawn),
        "tokens": tokens(cache.race),
        "empty": "" if front else waiting(cache, "The first losses appear with the first steps."),
    }  # fmt: skip


def recorded(cache: "RaceCache", position: int, ink: Ink) -> list[Dict]:
    """Pale, behind the average: the recorded losses, and their extremes where rows hold many."""
    curve = cache.curve(position, "loss")
    low, high = cache.curve(position, "loss_min"), cache.curve(position, "loss_max")
    quiet = {"hoverinfo": "skip", "chips": [f"e{position}"]}
    raw = line(
        curve.steps,
        curve.values,
        f"@e{position}/0.28",
        width=1,
        name=ink.label,
        mode="lines",
        **quiet,
    )
    if np.allclose(low.values, high.values, rtol=1e-4, equal_nan=True):
        return [raw]
    low_at, high_at = np.isfinite(low.values), np.isfinite(high.values)
    outline = {
        "x": packed(np.concatenate([high.steps[high_at], low.steps[low_at][::-1]])),
        "y": packed(np.concatenate([high.values[high_at], low.values[low_at][::-1]])),
        "type": "scatter", "mode": "lines", "line": {"width": 0}, "fill": "toself",
        "fillcolor": f"@e{position}/0.13", "hoverinfo": "skip", "meta": {"chips": quiet["chips"]},
    }  # fmt: skip
    return [outline, raw]


def broken_off(steps: np.ndarray, mean: np.ndarray, position: int, step: int) -> Dict:
    """The mark where a run diverged."""
    finite = np.flatnonzero(np.isfinite(mean))
    at = finite[-1:]
    return {
        "type": "scatter", "mode": "markers+text", "x": packed(steps[at]), "y": packed(mean[at]),
        "marker": {"symbol": "x", "size": 10, "color": f"@e{position}"},
        "text": [f"diverged, step {step:,}"], "textposition": "middle right",
        "textfont": {"color": f"@t{position}", "size": 12.5}, "cliponaxis": False,
        "hoverinfo": "skip", "meta": {"chips": [f"e{position}"]},
    }  # fmt: skip


def has_held_out(cache: "RaceCache") -> bool:
    """Whether accuracies on a held-out domain are recorded."""
    return any(len(cache.curve(run.position, HELD_OUT).steps) for run in cache.runs)


def accuracy(cache: "RaceCache", held_out: bool = False) -> Spec:
    """Accuracy on the test images in %, by running statistics.

    Args:
        cache: of the race.
        held_out: on those of the domain that training never sees.
    """
    column, title, meaning, what = TEST
    if held_out:
        style = str(cache.race.common.dataset_options.get("held_out", "another"))
        column, title, meaning, what = HELD_OUT, *UNSEEN
        meaning = meaning.format(style)
    drawn = list(enumerate(inks(cache.race)))
    traces, finals, now = [], [], []
    for position, ink in drawn:
        curve = cache.curve(position, column)
        if not len(curve.steps):
            continue
        values = 100 * np.asarray(curve.values)
        traces.append(
            line(curve.steps, values, f"@e{position}", dash=ink.dash, name=ink.label,
                 chips=[f"e{position}"], column=ink.label, hovertemplate="%{y:.1f} %")
        )  # fmt: skip
        finals.append(float(np.nanmax(values)) if np.isfinite(values).any() else 0.0)
        now.append(f"{ink.label} {percent(float(curve.values[-1]))}")
    return {
        "title": title,
        "meaning": meaning,
        "label": f"Lines of {what} in % by step. Now: {listed(now)}." if now else "",
        "caption": f"{what.capitalize()} in %",
        "data": traces,
        "layout": layout(
            revision(cache, column) if held_out else revision(cache),
            **marks.shapes(cache),
            margin={"l": 8, "r": 14, "t": marks.room(cache), "b": 4},
            xaxis=step_axis(cache),
            yaxis=axis(title=f"{what}, %", nticks=6,
                       autorangeoptions={"clipmin": floor(finals), "clipmax": 100.5,
                                         "include": [100]}),
        ),
        "legend": entrant_chips(drawn),
        "tokens": tokens(cache.race),
        "empty": "" if traces else waiting(cache, "The first test follows after a few steps."),
    }  # fmt: skip


def floor(best: list[float]) -> float:
    """Lowest accuracy shown, in %: the early climb must not flatten the differences at the end."""
    weakest = min(best, default=0.0)
    return next((low for low, enough in ((80, 96), (60, 88), (40, 75)) if weakest >= enough), 0)
