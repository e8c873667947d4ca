"""The filter at work: how much it trusts the micro-batch, and how often it is surprised."""

from typing import TYPE_CHECKING

import numpy as np

from app.figures.multiples import heading, headroom, number, span
from app.figures.spec import (
    Dict,
    Spec,
    axis,
    chip,
    layout,
    line,
    log_ticks,
    revision,
    step_axis,
    waiting,
)
from app.palette import Ink, inks, ramp, tokens

if TYPE_CHECKING:
    from bkn.store.cache import Heat, RaceCache


def filtering(cache: "RaceCache") -> list[tuple[int, Ink]]:
    """Entrants whose blend of prior and observation the probe watches, with their inks."""
    drawn = inks(cache.race)
    cards = [experiment.method_card for experiment in cache.race.experiments]
    return [(p, drawn[p]) for p, card in enumerate(cards) if card.has_gain and card.estimates]


def gain(cache: "RaceCache", selected_layer: str | None = None) -> Spec:
    """Gain in use per layer over time; dotted the best one, known with hindsight."""
    shown = [one for one in filtering(cache) if len(cache.heat(one[0], "gain_oracle").steps)]
    layers = with_prior(cache, shown)
    spec: Spec = {
        "title": "How much is the batch trusted?",
        "meaning": "Gain, the weight of the micro-batch: 1 trusts it alone, 0 only the prior.",
        "tokens": tokens(cache.race, ramp(len(layers))),
        "legend": [
            chip("use", "in use", "@text"),
            chip("oracle", "best, with hindsight", "@text", dash="dot"),
        ],
        "scale": layer_scale(layers),
        "empty": "" if layers else no_filter(cache),
        "data": [],
        "layout": layout(revision(cache)),
        "hint": "click a line",
    }
    if not layers:
        return spec
    values = axis(title="gain", range=[-0.02, 1.03], tickvals=[0, 0.25, 0.5, 0.75, 1])
    frame = small_multiples(cache, shown, values)
    for index, (position, ink) in enumerate(shown):
        for metric, role, dash in (("gain_oracle", "oracle", "dot"), ("gain", "use", "solid")):
            spec["data"] += layer_lines(
                cache.heat(position, metric), layers, selected_layer, number(index),
                role=role, dash=dash, entrant=position, hover="%{y:.2f}",
                told="in use" if role == "use" else "best",
                whose=f"{ink.label}: " if len(shown) > 1 else "",
            )  # fmt: skip
    spec["layout"] = frame
    spec["caption"] = "Gain by step"
    spec["label"] = in_words(cache, shown, layers)
    return spec


def innovation(cache: "RaceCache", selected_layer: str | None = None) -> Spec:
    """Size of the innovation, micro-batch minus prior, per layer over time."""
    shown = [one for one in filtering(cache) if len(cache.heat(one[0], "innovation_mean").steps)]
    layers = with_prior(cache, shown)
    spec: Spec = {
        "title": "How surprising is each batch?",
        "meaning": "Innovation: distance of the micro-batch's mean from the prior's.",
        "tokens": tokens(cache.race, ramp(len(layers))),
        "scale": layer_scale(layers),
        "empty": "" if layers else no_filter(cache),
        "data": [],
        "layout": layout(revision(cache)),
        "hint": "click a line",
    }
    everything = [np.ones(1)]
    for index, (position, ink) in enumerate(shown):
        heat = cache.heat(position, "innovation_mean")
        sizes = heat._replace(values=np.sqrt(heat.values))
        everything.append(sizes.values.ravel())
        spec["data"] += layer_lines(
            sizes, layers, selected_layer, number(index), role="size", dash="solid",
            entrant=position, hover="%{y:.2g} σ", told="innovation",
            whose=f"{ink.label}: " if len(shown) > 1 else "",
        )  # fmt: skip
    if layers:
        ticks = log_ticks(np.concatenate(everything[1:]))
        values = axis(title="innovation, σ", type="log", tickmode="array", tickvals=ticks,
                      exponentformat="none")  # fmt: skip
        spec["layout"] = small_multiples(cache, shown, values)
        spec["caption"] = "Innovation in σ by step"
        spec["label"] = f"Lines by step, one for each of {len(layers)} layers."
    return spec


def with_prior(cache: "RaceCache", shown: list[tuple[int, Ink]]) -> list[str]:
    """Layers that ever had a prior, in order; the first often has none, its gain is 1 then."""
    order: dict[str, bool] = {}
    for position, _ in shown:
        heat = cache.heat(position, "innovation_mean")
        for layer, row in zip(heat.layers, heat.values, strict=True):
            order[layer] = order.get(layer, False) or bool(np.isfinite(row).any())
    return [layer for layer, known in order.items() if known]


def layer_scale(layers: list[str]) -> Dict:
    """The ramp from the first layer to the last, as a colour key."""
    if not layers:
        return {}
    last = max(len(layers) - 1, 1)
    stops = [[i / last, f"@r{i}"] for i in range(len(layers))]
    return {"stops": stops if len(stops) > 1 else [[0, "@r0"], [1, "@r0"]],
            "ends": [layers[0], layers[-1]]}  # fmt: skip


def layer_lines(
    heat: "Heat", layers: list[str], selected: str | None, axes: str, *,
    role: str, dash: str, entrant: int, hover: str, told: str, whose: str,
) -> list[Dict]:  # fmt: skip
    """One line per layer, the selected one in front and bold."""
    rows = dict(zip(heat.layers, heat.values, strict=True))
    order = sorted(range(len(layers)), key=lambda i: layers[i] == selected)
    return [
        line(
            heat.steps, rows[layers[i]], f"@r{i}", dash=dash, chips=[role],
            width=3.2 if layers[i] == selected else 1.4,
            opacity=1.0 if selected in (None, layers[i]) else 0.5,
            name=f"{layers[i]} {told}", picks=[layers[i]], entrant=entrant,
            column=f"{whose}{layers[i]} {told}", hovertemplate=hover,
            xaxis=f"x{axes}", yaxis=f"y{axes}",
        )
        for i in order
        if layers[i] in rows
    ]  # fmt: skip


def small_multiples(cache: "RaceCache", shown: list[tuple[int, Ink]], values: Dict) -> Dict:
    """Side by side, one per entrant, with one scale of values."""
    count, columns = len(shown), min(len(shown), 4)
    rows = -(-count // columns)
    top = headroom([ink.label for _, ink in shown], columns)
    frame = layout(revision(cache), hovermode="closest", annotations=[],
                   margin={"l": 8, "r": 14, "t": top, "b": 4})  # fmt: skip
    for index, (position, ink) in enumerate(shown):
        n, (down, across) = number(index), divmod(index, columns)
        along = step_axis(cache, domain=span(across, columns, 0.05),
                          anchor=f"y{n}")  # fmt: skip
        along["nticks"] = 7 if columns == 1 else 4
        if index + columns < count:
            along["title"] = {"text": ""}
        upward = values | {"anchor": f"x{n}", "domain": span(rows - 1 - down, rows, 0.35)}
        if index:
            upward["matches"] = "y"
        if across:
            upward |= {"showticklabels": False, "title": {"text": ""}}
        frame[f"xaxis{n}"], frame[f"yaxis{n}"] = along, upward
        frame["annotations"].append(heading(ink.label, f"@t{position}", index, columns))
    return frame


def in_words(cache: "RaceCache", shown: list[tuple[int, Ink]], layers: list[str]) -> str:
    """Gain in use and best gain of the last layer, now."""
    parts = []
    for position, ink in shown:
        pair = [cache.latest(position, f"{layers[-1]}/{m}") for m in ("gain", "gain_oracle")]
        told = ["unknown" if value is None else f"{value:.2f}" for value in pair]
        parts.append(f"{ink.label}, {layers[-1]}: in use {told[0]}, best {told[1]}")
    return f"Lines of the gain by step and layer. Now: {'; '.join(parts)}."


def no_filter(cache: "RaceCache") -> str:
    """Why there is no picture."""
    if not filtering(cache):
        return "None of these methods blends a prior with the micro-batch, so there is no gain."
    if cache.race.probe == "off":
        return "The probe is off, so the best gain is unknown."
    return waiting(cache, "The first probe follows after a few steps.")
