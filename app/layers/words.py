"""Beliefs in words: what stands out, how wrong a channel's belief is, why there is nothing."""

from html import escape

import numpy as np

from app.figures.errors import UNITS, shown, told
from app.figures.layer_belief import Curve
from app.figures.spec import nats
from app.layers import numbers
from app.layers.history import Snapshot
from app.layers.link import ERRORS
from app.layers.scene import Scene
from app.watch import MOVING
from app.wording import name
from bkn.snapshot import SOURCES

NEARLY = {"var": 1.15, "mean": 0.1}  # errors below count as nearly exact
SAME = 0.05  # deviations, and log ratios of deviations, that count as none


def sentence(scene: Scene) -> str:
    """What stands out: the worst layer, and whether prior or data helped."""
    who = name(scene.cache, scene.position)
    if scene.snapshot is None:
        return "What does one layer believe, and is it right?"
    errors, what, source = scene.snapshot.errors, scene.what, scene.source
    known = {la: one[source, what] for la, one in errors.items() if (source, what) in one}
    known = {la: value for la, value in known.items() if np.isfinite(value)}
    if not known:
        return f"{who}: no layer has a {ERRORS[source]} that could be wrong."
    worst = max(known, key=lambda la: known[la])
    size = float(shown(what, known[worst]))
    moment = UNITS[what].name
    if source == numbers.OUTPUT:
        return (
            f"{who} leaves <b>{escape(worst)}</b> furthest from mean 0 and variance 1: its output's"
            f" {moment} is off by {off(what, size)}."
        )
    if size < NEARLY[what]:
        said = f"{who}'s {ERRORS[source]} is nearly exact in every layer: {moment}s are off by "
        return said + f"{off(what, size)} at most."
    said = f"{who}'s {ERRORS[source]} is worst in <b>{escape(worst)}</b>: the {moment} is off by "
    return f"{said}{off(what, size)}. {helper(scene, worst)}".strip()


def off(what: str, size: float) -> str:
    """a factor of 2.1; 0.34 standard deviations."""
    if what == "var":
        return f"a factor of {size:.1f}" if size >= 1.95 else f"a factor of {size:.2f}"
    return f"{size:.2f} standard deviations"


def helper(scene: Scene, label: str) -> str:
    """Which of the estimates of a layer is nearest to the truth, and whether the blend is it."""
    if scene.snapshot is None:
        return ""
    one = scene.snapshot.errors[label]
    known = {
        source: float(shown(scene.what, one[source, scene.what]))
        for source in SOURCES[:3]
        if np.isfinite(one.get((source, scene.what), np.nan))
    }
    if len(known) < 3:
        return ""
    prior, seen = (told(scene.what, known[source]) for source in ("prior", "observation"))
    best = min(known, key=lambda source: known[source])
    if best == "posterior":
        return f"Still the blend beats both: the prior alone is off by {prior}, the micro-batch by "
        f"{seen}."
    if best == "observation":
        return f"The micro-batch alone would be nearer ({seen}): the prior ({prior}) misleads it."
    return f"The prior alone would be nearer ({prior}) than the micro-batch ({seen})."


def recorded(snapshot: Snapshot) -> str:
    """How much of each layer the errors stand for, where it is not all."""
    most = max((len(layer.kept) for layer in snapshot.layout.layers), default=0)
    if all(len(layer.kept) == layer.channels for layer in snapshot.layout.layers):
        return ""
    return f"Averages over the recorded channels, up to {most} of a layer."


def of_channel(scene: Scene, curves: list[Curve]) -> str:
    """How wrong the belief in use is, in this micro-batch and over all; HTML."""
    layout, arrays = scene.layer
    found = {curve.key: curve for curve in curves}
    used = found.get("posterior") or found.get("observation")
    if used is None or "truth" not in found:
        return "This method holds no belief about its input; only the truth is drawn."
    truth, whose = found["truth"], "posterior" if "posterior" in found else "micro-batch"
    said = f"Micro-batch {scene.group + 1}: the {whose}'s {against(used, truth)}."
    over = []
    for what in ("mean", "var"):
        source = "posterior" if whose == "posterior" else "observation"
        errors = numbers.channel_errors(arrays, source, what)
        if errors is not None and np.isfinite(errors[scene.index]):
            size = told(what, float(shown(what, errors[scene.index])))
            over.append(f"the {UNITS[what].name} is off by {size}")
    if over:
        said += f" Over all {layout.groups} micro-batches {' and '.join(over)}."
    if "prior" not in found and scene.card.uses_prior:
        said += " This layer has no prior: no layer below holds a belief."
    return said


def against(curve: Curve, truth: Curve) -> str:
    """mean is 0.21 σ too low and its deviation 1.3 times too small."""
    gap = (curve.mean - truth.mean) / truth.deviation
    ratio = curve.deviation / truth.deviation
    low, small = "low" if gap < 0 else "high", "small" if ratio < 1 else "large"
    mean = "mean is right" if abs(gap) < SAME else f"mean is {abs(gap):.2f} σ too {low}"
    times = max(ratio, 1 / ratio)
    deviation = "right" if times - 1 < SAME else f"{times:.{1 if times >= 1.95 else 2}f} times too"
    return f"{mean}, its deviation {deviation}" + ("" if deviation == "right" else f" {small}")


def table(curves: list[Curve]) -> str:
    """Mean and deviation of every curve, and how far they are off; HTML."""
    truth = curves[0]
    rows = "".join(
        f"<tr><th scope='row'>{escape(curve.label)}</th><td>{curve.mean:.3g}</td>"
        f"<td>{curve.deviation:.3g}</td><td>{gap_words(curve, truth)}</td>"
        f"<td>{ratio_words(curve, truth)}</td></tr>"
        for curve in curves
    )
    return (
        '<table class="bkn-numbers"><thead><tr><th scope="col"></th><th scope="col">mean</th>'
        '<th scope="col">deviation</th><th scope="col">mean off</th>'
        f'<th scope="col">dev. off</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def gap_words(curve: Curve, truth: Curve) -> str:
    """+0.21 σ."""
    return "" if curve is truth else f"{(curve.mean - truth.mean) / truth.deviation:+.2f} σ"


def ratio_words(curve: Curve, truth: Curve) -> str:
    """×0.77."""
    return "" if curve is truth else f"×{curve.deviation / truth.deviation:.2f}"


def replayed(scene: Scene, q: float) -> str:
    """What the other gain would have done to the layer's mean and variance; HTML."""
    said = []
    for what in ("mean", "var"):
        one = numbers.replay(scene.layer[1], what)
        if one is None:
            continue
        errors = shown(what, one.errors)
        now, other = (float(np.interp(gain, one.gains, errors)) for gain in (one.used, q))
        said.append(f"the {UNITS[what].name} would be off by {told(what, other)} instead of "
                    f"{told(what, now)}, at best by {told(what, float(errors.min()))} with q = "
                    f"{one.best:.2f}")  # fmt: skip
    if not said:
        return "This layer has no prior: its micro-batch is all it has, whatever q."
    return (
        f"With q = {q:.2f} in {escape(scene.label or '')}, {'; '.join(said)}. Averages over "
        "its channels and micro-batches."
    )


def nothing(scene: Scene) -> str:
    """Why there is no layer to look at."""
    race = scene.cache.race
    whose = "The recorded race" if not scene.race_id else "This race"
    if race.probe != "full":
        how = "was not probed" if race.probe == "off" else "was probed lightly"
        return (
            f"{whose} {how}, so there are no snapshots of its layers. Start one on the Race page "
            "with Probe: full (under More)."
        )
    if scene.race_id and scene.status in MOVING:
        return "The first snapshot follows after a few steps."
    return f"{whose} ended before a snapshot was taken."


def train_eval_gap(scene: Scene, batch: float | None, stored: float | None) -> str:
    """At the same weights, the loss with batch statistics and with stored ones; HTML."""
    if batch is None or stored is None or not np.isfinite([batch, stored]).all():
        return ""
    return (
        f"{name(scene.cache, scene.position)} at these weights: loss {nats(batch)} nats with "
        f"statistics of the batch, as in training; {nats(stored)} with stored ones, as in testing."
    )
