"""Where does each method break: accuracy against the micro-batch, and against the learning rate."""

from itertools import pairwise
from math import log2, log10

from app.batch_size.compare import falls
from app.batch_size.table import Place, Table
from app.figures.spec import Dict, Spec, axis
from app.figures.sweep_lines import lines

ONE = "One run per point: without further seeds chance has no measure, so no interval is drawn."
SEVERAL = "Mean and 95 % interval over seeds; faint: every run. The scale widens towards 100 %."


def curve(table: Table, at: Place) -> Spec:
    """Accuracy by micro-batch; open marks where a method is below itself at its largest."""
    broken = [one.cell for one in falls(table, at) if one.verdict == "worse"]
    spec = lines(table, "micro_batch", at, log2, broken)
    sizes = table.values_of("micro_batch")
    spec["title"] = "Where does each method break?"
    spec["meaning"] = meaning(table)
    spec["layout"]["xaxis"] = below("images per statistic, m", [log2(m) for m in sizes], sizes)
    spec["hint"] = "click a point"
    if broken:
        spec["note"] = (
            "Open marks: lower than the same method at its largest m, beyond chance "
            "(paired t tests, p < 0.05 after Holm's correction)."
        )
    return spec


def rates(table: Table, at: Place) -> Spec:
    """Accuracy by learning rate at one micro-batch; a sweep of one rate says how to get more."""
    every = table.values_of("lr")
    spec = lines(table, "lr", at, log10)
    spec["title"] = "Which learning rates does each bear?"
    spec["meaning"] = meaning(table)
    spec["layout"]["xaxis"] = below("peak learning rate", [log10(lr) for lr in every], every)
    spec["hint"] = "click a point"
    if len(every) > 1:
        spec["title"] = f"Which learning rates does each bear at m = {at.micro_batch}?"
    else:
        spec["empty"] = (
            f"This sweep has one learning rate, {every[0]:g}. With several, such as "
            f"{every[0] / 5:g}, {every[0]:g}, {every[0] * 5:g} (under More), this figure shows "
            "which of them each method bears."
        )
    return spec


def meaning(table: Table) -> str:
    """What the marks are."""
    return ONE if len(table.seeds) < 2 else SEVERAL


def below(title: str, places: list[float], values: tuple[float, ...]) -> Dict:
    """An axis whose ticks are the sweep's own values."""
    room = 0.35 * min((b - a for a, b in pairwise(places)), default=1.0)
    return axis(
        title=title, tickmode="array", tickvals=places, ticktext=[f"{v:g}" for v in values],
        range=[places[0] - room, places[-1] + room], showgrid=False, ticks="outside", ticklen=4,
        tickcolor="@line", showline=True,
    )  # fmt: skip
