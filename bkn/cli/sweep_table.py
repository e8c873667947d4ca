"""The results of a sweep as a table for the terminal, and as a CSV file."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bkn.experiment import Experiment
from bkn.results import Result
from bkn.stats import ONE_SEED, may_order, mean_interval, paired
from bkn.sweep import AXES
from bkn.tables import markdown, percent

PLACE = tuple(AXES.values())  # fields of an Experiment that make a setting
FIELDS = ("method", *PLACE, "seed", "status", "accuracy", "steps", "step_ms", "message")
Place = tuple[Any, ...]


def table(results: Sequence[Result], methods: Sequence[str]) -> str:
    """Method by setting: mean accuracy in % with its 95 % interval over seeds, and the paired
    difference to the first method that has a result.

    Args:
        results: of a sweep's jobs.
        methods: all entrants, in the order in which the sweep names them.
    """
    cells: dict[tuple[Place, str], list[Result]] = {}
    for result in results:
        place = tuple(getattr(result.job.experiment, name) for name in PLACE)
        cells.setdefault((place, result.entrant), []).append(result)
    places = sorted({place for place, _ in cells}, key=lambda place: tuple(map(_rank, place)))
    took_part = {entrant for _, entrant in cells}
    entrants = [entrant for entrant in methods if entrant in took_part]
    known = {one.entrant for one in results if one.accuracy is not None}
    first = next((entrant for entrant in entrants if entrant in known), entrants[0])
    shown = _shown(places)
    rows = [
        [
            *(_text(place[at]) for at in shown),
            entrant,
            *_cell(cells[place, entrant]),
            *_against(cells[place, entrant], cells.get((place, first), []), entrant == first),
        ]
        for place in places
        for entrant in entrants
        if (place, entrant) in cells
    ]
    head = [*(PLACE[at].replace("_", "-") for at in shown), "method"]
    head += ["accuracy, %", "95 % interval", "n", "broke off"]
    head += [f"minus {first}", "95 % interval, paired"]
    words = [markdown(head, rows)]
    counts = [len(_known(cell)) for cell in cells.values()]
    if not may_order(count for count in counts if count):  # of none there is nothing to order
        words.append(ONE_SEED)
    return "\n\n".join(words)


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """One row per experiment.

    Raises:
        ValueError: if the file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(map(_row, results))
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from error


def _row(result: Result) -> Mapping[str, Any]:
    one: Experiment = result.job.experiment
    place = {name: getattr(one, name) for name in PLACE}
    figures = {"accuracy": result.accuracy, "step_ms": result.summary.get("step_ms")}
    told = {"status": result.status, "steps": result.step, "message": result.message}
    return {"method": result.entrant, **place, "seed": one.seed, **figures, **told}


def _known(cell: Sequence[Result]) -> dict[int, float]:
    """Accuracies by seed."""
    return {one.seed: one.accuracy for one in cell if one.accuracy is not None}


def _cell(cell: Sequence[Result]) -> list[str]:
    """Mean, interval, how many, and what did not come through."""
    known = list(_known(cell).values())
    mean = percent(sum(known) / len(known)) if known else "–"
    interval = "–"
    if len(known) > 1:
        found = mean_interval(known)
        interval = f"{percent(max(0.0, found.low))} to {percent(min(1.0, found.high))}"
    return [mean, interval, str(len(known)), _broke_off(cell)]


def _broke_off(cell: Sequence[Result]) -> str:
    counts = {
        status: sum(one.status == status for one in cell) for status in ("diverged", "failed")
    }
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


def _against(cell: Sequence[Result], first: Sequence[Result], itself: bool) -> list[str]:
    """The paired difference to the first method over the seeds that both have."""
    ours, theirs = _known(cell), _known(first)
    seeds = [seed for seed in ours if seed in theirs]
    if itself or len(seeds) < 2:
        return ["", ""]
    found = paired([ours[seed] for seed in seeds], [theirs[seed] for seed in seeds])
    low, high = percent(found.t_low, True), percent(found.t_high, True)
    return [percent(found.mean, True), f"{low} to {high}"]


def _shown(places: Sequence[Place]) -> list[int]:
    """Which fields of the setting vary; B and m are always shown."""
    always = ("batch", "micro_batch")
    return [
        at for at, name in enumerate(PLACE)
        if name in always or len({place[at] for place in places}) > 1
    ]  # fmt: skip


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers by size, names as they are."""
    return (1, value) if isinstance(value, str) else (0, value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"
