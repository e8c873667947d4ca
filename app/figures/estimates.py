"""One layer over time: which of its estimates is nearest to the truth?"""

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from app.figures import marks
from app.figures.factors import estimating, factor, nothing_yet, times
from app.figures.spec import (
    Dict,
    Spec,
    axis,
    chip,
    factor_ticks,
    layout,
    line,
    listed,
    log_ticks,
    revision,
    step_axis,
)
from app.palette import ROLES, inks, tokens

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache


class Role(NamedTuple):
    """One of the estimates that a layer could use."""

    metric: str  # ending of the probe's column
    label: str
    color: str
    dash: str
    width: float


def roles(position: int, uses_prior: bool) -> tuple[Role, ...]:
    """What is drawn for one entrant; without a prior the micro-batch alone is in use."""
    theory = Role("theory", "theory", "@text", "dot", 1.0)
    running = Role("running", "running statistics", "@muted", "longdashdot", 1.8)
    if not uses_prior:
        seen = Role("observation", "micro-batch, in use", f"@e{position}", "solid", 3.0)
        return seen, running, theory
    return (
        Role("observation", "micro-batch", "@observation", "dash", 2.0),
        Role("prior", "prior", "@prior", "dot", 2.4),
        Role("posterior", "posterior, in use", f"@e{position}", "solid", 3.0),
        running,
        theory,
    )


def shown_entrant(cache: "RaceCache", position: int | None = None) -> int | None:
    """The entrant whose layer is shown: the one asked for, else the first with a prior."""
    able = estimating(cache)
    if position in able:
        return position
    cards = [experiment.method_card for experiment in cache.race.experiments]
    return next((p for p in able if cards[p].uses_prior), able[0] if able else None)


def estimates(
    cache: "RaceCache",
    layer: str | None = None,
    position: int | None = None,
    what: Literal["var", "mean"] = "var",
) -> Spec:
    """Error of every estimate of one layer over time.

    Args:
        cache: of the race.
        layer: its label; the last one by default.
        position: of the entrant; by default the first one with a prior.
        what: "var" as the factor it is off, "mean" in standard deviations.
    """
    entrant = shown_entrant(cache, position)
    layers = cache.layers(entrant) if entrant is not None else []
    if entrant is None or not layers:
        return {"title": "Which estimate is nearest?", "empty": nothing_yet(cache), "data": [],
                "layout": layout(revision(cache)), "tokens": tokens(cache.race, ROLES)}  # fmt: skip
    layer = layer if layer in layers else layers[-1]
    ink, card = inks(cache.race)[entrant], cache.race.experiments[entrant].method_card
    traces, chips, now, values = [], [], [], [np.ones(1)] if what == "var" else []
    for role in roles(entrant, card.uses_prior):
        curve = cache.layer_curve(entrant, layer, f"{what}_error_{role.metric}")
        error = factor(curve.values) if what == "var" else np.sqrt(curve.values)
        if not np.isfinite(error).any():
            continue
        traces.append(drawn_line(role, curve.steps, error, what))
        chips.append(chip(role.metric, role.label, role.color, dash=role.dash))
        last = float(error[np.isfinite(error)][-1])
        now.append(f"{role.label} {times(last) if what == 'var' else f'{last:.2g} σ'}")
        values.append(error[np.isfinite(error)])
    traces.sort(key=lambda trace: trace["line"]["width"])  # what is in use lies on top
    if what == "var" and traces:
        traces.insert(0, exact_line(cache.race.common.steps))
    unit = "factor the variance is off" if what == "var" else "σ the mean is off"
    return {
        "title": f"Who is right about {layer}?",
        "meaning": f"{ink.label}: {unit}. Theory: for independent values.",
        "label": f"Lines by step. Now: {listed(now)}." if now else "",
        "caption": f"{layer}, {ink.label}: {unit}",
        "data": traces,
        "layout": layout(
            revision(cache, what),
            **marks.shapes(cache),
            margin={"l": 8, "r": 14, "t": marks.room(cache), "b": 4},
            xaxis=step_axis(cache),
            yaxis=error_axis(values, what),
        ),
        "legend": chips,
        "tokens": tokens(cache.race, ROLES),
        "note": "" if not card.uses_prior or any(c["id"] == "prior" for c in chips)
        else f"{layer} has no prior: no layer below it holds a belief.",
        "empty": "" if traces else nothing_yet(cache),
    }  # fmt: skip


def drawn_line(role: Role, steps: np.ndarray, error: np.ndarray, what: str) -> Dict:
    """The trace of one role."""
    hover = "×%{y:.2f}" if what == "var" else "%{y:.3g} σ"
    return line(
        steps,
        error,
        role.color,
        dash=role.dash,
        width=role.width,
        name=role.label,
        chips=[role.metric],
        column=role.label,
        hovertemplate=hover,
    )


def exact_line(steps: int) -> Dict:
    """The floor of the picture: an estimate that is right."""
    return line([0, steps], [1, 1], "@line", width=1.0, hoverinfo="skip", mode="lines")


def error_axis(values: list[np.ndarray], what: str) -> Dict:
    """Logarithmic; factors from ×1 = exact upwards."""
    everything = np.concatenate(values) if values else np.ones(1)
    if what == "mean":
        return axis(title="error of the mean, σ", type="log", tickmode="array",
                    tickvals=log_ticks(everything), exponentformat="none")  # fmt: skip
    ticks, labels = factor_ticks(float(everything.max()))
    return axis(title="variance off by", type="log", tickmode="array", tickvals=ticks,
                ticktext=labels)  # fmt: skip
