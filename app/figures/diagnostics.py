"""Figures of a diagnosis: pure functions from reports, one per entrant, and their race.

A report is the payload of an event of kind "diagnosis" (`bkn.diagnose`); None stands for what is
not finite.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from app.figures.by_layer import Values, by_layer, table, value_axis
from app.figures.spec import Spec, axis, chip, entrant_chips, layout, line, log_ticks
from app.palette import inks, tokens
from bkn.experiment import Race

if TYPE_CHECKING:
    from bkn.store.cache import RaceCache

Report = Mapping[str, Any]
GAUSSIAN_TAIL = 4.88  # 99.9th percentile over median of a Gaussian's absolute values
NOT_YET = "Nothing was measured yet."
SKIPPED = "It took too long on this network and was left out."


def latest(cache: "RaceCache") -> list[Report]:
    """The newest report of every entrant that was diagnosed, in their order."""
    found = {e.payload["run"]: e.payload for e in cache.events if e.kind == "diagnosis"}
    return [found[run] for run in sorted(found)]


def profile(reports: Sequence[Report], race: Race, what: Literal["var", "mean"] = "var") -> Spec:
    """Activations in front of every norm.

    Args:
        reports: of entrants of the race.
        race: gives names and colours.
        what: the channels' variances, on a logarithmic scale, or their means.
    """
    title, words = {
        "var": ("Do activations grow with depth?", "variance of a channel"),
        "mean": ("Do activations drift from zero?", "mean of a channel"),
    }[what]
    spec = by_layer(
        race,
        of_layers(reports, "profile", lambda row: row["input"][what]),
        of_layers(reports, "profile", lambda row: row["input"][f"{what}_spread"]),
        log=what == "var",
        unit=words,
    )
    told = f"In front of each norm: {words}, averaged over channels; bars: how channels differ."
    return titled(spec, reports, "profile", title, told, f"Average {words} in front of each norm")


def gradient(reports: Sequence[Report], race: Race) -> Spec:
    """The loss's gradient behind every norm."""
    values = of_layers(reports, "profile", lambda row: row["gradient_rms"])
    spec = by_layer(race, values, unit="gradient, nats per unit")
    told = "Gradient of the loss by one activation behind each norm, root mean square."
    return titled(spec, reports, "profile", "Do gradients fade or explode?", told, told)


def sign_agreement(reports: Sequence[Report], race: Race) -> Spec:
    """How far the parts of the kernels' gradients cancel."""
    values = of_layers(reports, "sign_agreement", lambda row: row["ratio"])
    random = of_layers(reports, "sign_agreement", lambda row: np.sqrt(np.pi * row["terms"] / 2))
    reference = ("signs at random", next(iter(random.values()), {}))
    spec = by_layer(race, values, reference=reference, unit="what went in ÷ what is left")
    told = "Parts of a kernel's gradient, from all images and places: 1 if all agree in sign."
    return titled(spec, reports, "sign_agreement", "Do images agree on the gradient?", told,
                  "Sum of absolute parts over what is left of their sum")  # fmt: skip


def tails(reports: Sequence[Report], race: Race) -> Spec:
    """How much larger the largest entries of a gradient are than the usual ones."""
    values = of_layers(reports, "tails", lambda row: row["tail"])
    level = {layer: GAUSSIAN_TAIL for one in values.values() for layer in one}
    spec = by_layer(race, values, reference=("Gaussian", level), unit="99.9 % ÷ 50 %")
    told = "Entries of each weight's gradient: the 99.9th percentile of their size over the median."
    return titled(spec, reports, "tails", "Are a few gradients far too large?", told, told)


def gradient_histogram(reports: Sequence[Report], race: Race, layer: str | None = None) -> Spec:
    """How the entries of one layer's gradient are spread; by default of the middle one."""
    having = [report for report in reports if report.get("tails")]
    layers = [row["layer"] for report in having[:1] for row in report["tails"]]
    layer = layer if layer in layers else layers[len(layers) // 2] if layers else ""
    drawn, data, highest = [], [], 1e-4
    middles: np.ndarray = np.empty(0)
    columns: dict[str, np.ndarray] = {}
    for report in having:
        ink = inks(race)[report["run"]]
        edges = np.array(report["tail_edges"])
        row = next((row for row in report["tails"] if row["layer"] == layer), None)
        if row is None:
            continue
        shares = numbers(row["histogram"])
        shares[shares == 0] = np.nan
        drawn.append((report["run"], ink))
        middles, columns[ink.label] = (edges[1:] + edges[:-1]) / 2, shares
        data.append(line(middles, shares, f"@e{report['run']}", dash=ink.dash,
                         name=ink.label, chips=[f"e{report['run']}"],
                         hovertemplate="%{y:.2g}"))  # fmt: skip
        highest = max(highest, float(np.nan_to_num(shares).max()))
    ticks = log_ticks([1e-4, highest], 5)
    spec: Spec = {
        "data": data,
        "legend": entrant_chips(drawn),
        "tokens": tokens(race),
        "layout": layout(
            "gradient histogram",
            xaxis=axis(title="entry ÷ root mean square", range=[-8.2, 8.2], showgrid=False),
            yaxis=axis(title="share", type="log", range=[-5, np.log10(highest) + 0.2],
                       tickmode="array", tickvals=ticks, exponentformat="power"),
        ),
        "label": f"Histograms of the gradient of {layer}." if layer else "",
        "table": table("entry ÷ rms", [f"{middle:.2f}" for middle in middles], columns),
    }  # fmt: skip
    told = "Shares of the gradient's entries by size; beyond ±8 counted at the ends."
    return titled(spec, reports, "tails", f"How are gradients spread in {layer or 'a layer'}?",
                  told, f"Share of the gradient's entries in {layer}, by size")  # fmt: skip


def loss_along_gradient(reports: Sequence[Report], race: Race) -> Spec:
    """The loss after a step against the gradient, over its size."""
    drawn, data, everything = [], [], [np.array([0.5, 1.5])]
    sizes: list[float] = []
    columns: dict[str, np.ndarray] = {}
    for report in reports:
        found = report.get("loss_along_gradient")
        if found is None:
            continue
        run, ink = report["run"], inks(race)[report["run"]]
        ratio = numbers(found["ratio"])
        drawn.append((run, ink))
        sizes, columns[ink.label] = found["sizes"], ratio
        everything.append(np.clip(ratio, None, 1e3))
        data.append(line(found["sizes"], ratio, f"@e{run}", dash=ink.dash, name=ink.label,
                         chips=[f"e{run}"],
                         hovertemplate="×%{y:.3g}"))  # fmt: skip
    across = [sizes[0], sizes[-1]] if sizes else [1e-4, 1e2]
    data.insert(0, line(across, [1, 1], "@line", width=1.0, hoverinfo="skip", mode="lines"))
    upward = value_axis(np.concatenate(everything), "loss, relative", log=True)
    bottom, top = (10.0**end for end in upward["range"])
    for rate in sorted({report["lr"] for report in reports}):
        data.append(line([rate, rate], [bottom, top], "@muted", dash="dot", width=1.4, mode="lines",
                         chips=["lr"], hoverinfo="skip"))  # fmt: skip
    spec: Spec = {
        "data": data,
        "legend": [*entrant_chips(drawn), chip("lr", "rate now", "@muted", dash="dot")],
        "tokens": tokens(race),
        "layout": layout(
            "loss along gradient",
            xaxis=axis(title="size of the step", type="log", exponentformat="power", dtick=1,
                       range=np.log10(across).tolist()),
            yaxis=upward,
        ),
        "label": "Lines of the loss after a step against the gradient, by its size.",
        "table": table("size of the step", [f"{size:.3g}" for size in sizes], columns),
    }  # fmt: skip
    title = "How far does the gradient lead downhill?"
    told = "Loss after one step against the gradient, over the loss before; below 1 it fell."
    caption = "Loss after the step over the loss before, by size of the step"
    return titled(spec, reports, "loss_along_gradient", title, told, caption)


def titled(
    spec: Spec, reports: Sequence[Report], part: str, title: str, meaning: str, caption: str
) -> Spec:
    """The figure with its words; in place of one without data, why there is none."""
    steps = sorted({report["step"] for report in reports})
    when = f" Measured at step {' and '.join(map(str, steps))}." if steps else ""
    spec |= {"title": title, "meaning": meaning + when, "caption": caption}
    if not reports:
        spec["empty"] = NOT_YET
    elif all(part in report["skipped"] for report in reports):
        spec["empty"] = SKIPPED
    return spec


def of_layers(reports: Iterable[Report], part: str, value: Any) -> dict[int, Values]:
    """By position of the entrant: a number by layer, of those that have this part."""
    return {
        report["run"]: dict(
            zip(
                [row["layer"] for row in report[part]],
                numbers([value(row) for row in report[part]]).tolist(),
                strict=True,
            )
        )
        for report in reports
        if part in report
    }


def numbers(values: Iterable[float | None]) -> np.ndarray:
    """With not-a-number for None."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)
