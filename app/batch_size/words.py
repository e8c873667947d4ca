"""What the Batch size page says: what stands out, only where intervals support it."""

from collections.abc import Sequence
from html import escape

from app.batch_size.compare import Difference, differences, falls, may_compare
from app.batch_size.table import Place, Table
from app.figures.spec import listed
from app.palette import inks
from bkn.stats import ONE_SEED
from bkn.sweep import Misfit


def sentence(table: Table, at: Place, baseline: str, moving: bool) -> str:
    """One or two sentences as HTML."""
    cells = [cell for row in table.row(at) for cell in row]
    if not any(cell.values for cell in cells):
        return beginning(table, moving)
    if not may_compare(table, at):
        return one_seed(table)
    broken = falls(table, at)
    said = [breaks(table, broken), ahead(table, differences(table, at, baseline), broken)]
    gone = sum(cell.count("diverged") for cell in cells)
    if gone:
        said.append(f"{gone} run{'s' if gone > 1 else ''} diverged; that counts as guessing.")
    return " ".join(filter(None, said)) or "Nothing here can be told from chance yet."


def beginning(table: Table, moving: bool) -> str:
    """Before the first run has ended."""
    if not moving:
        return "Of this part of the sweep nothing has been trained."
    runs = len(table.sweep.jobs)
    return (
        f"{runs:,} network{'s' if runs > 1 else ''} are trained from the same initial weights, on "
        "the same images in the same order, seed by seed; a cell fills when its runs end."
    )


def one_seed(table: Table) -> str:
    """Nothing can be compared: with a single seed for good, with several not yet."""
    if len(table.seeds) > 1:
        return (
            "The first seed is under way. From the second on, means have intervals and methods "
            "can be compared."
        )
    return f"{ONE_SEED} Set Seeds to 3 or more and press Start: what is done stays done."


def breaks(table: Table, fallen: Sequence[Difference]) -> str:
    """Where which method is below itself at its largest micro-batch, beyond chance."""
    if not fallen:
        looks = any(one.method_card.batch_statistics for one in table.experiments)
        alone = "None of these methods looks at other images: m makes no difference to them."
        return "" if looks else alone
    worse: dict[str, list[Difference]] = {}
    for one in fallen:
        if one.verdict == "worse":
            worse.setdefault(one.cell.entrant, []).append(one)
    if not worse:
        seeds = max((len(one.seeds) for one in fallen if one.paired), default=0)
        if not seeds:  # so far no method has two seeds both here and at its largest m
            return ""
        return (
            f"With {seeds} seeds no method can be told from itself at its largest m; more seeds "
            "would show smaller falls."
        )
    order = sorted(worse, key=lambda entrant: min(map(mean, worse[entrant])))
    deepest = min(worse[order[0]], key=mean)
    where = places(table, worse[order[0]])
    there = f"m = {deepest.cell.place.micro_batch}"
    largest = deepest.against.place.micro_batch
    words = (
        f"{name(table, order[0])} loses accuracy at {where}: "
        f"{'there' if where == there else f'at {there}'} it is {points(deepest, -1)} below itself "
        f"at m = {largest}"
    )
    others = [f"{name(table, one)} at {places(table, worse[one])}" for one in order[1:]]
    words += f". So do {listed(others)}" if len(others) > 1 else ""
    words += f". So does {others[0]}" if len(others) == 1 else ""
    whole = [name(table, one) for one in table.entrants if one not in worse]
    if whole and len(whole) <= 3:
        words += f"; no fall beyond chance is seen of {listed(whole)}"
    return f"{words}."


def ahead(table: Table, compared: Sequence[Difference], fallen: Sequence[Difference]) -> str:
    """The largest difference from the baseline at the smallest micro-batch."""
    sizes = [one.cell.place.micro_batch for one in compared if one.verdict in ("better", "worse")]
    if not sizes:
        return ""
    here = [
        one
        for one in compared
        if one.cell.place.micro_batch == min(sizes) and one.verdict in ("better", "worse")
    ]
    most = max(here, key=lambda one: abs(mean(one)))
    sign = 1 if most.verdict == "better" else -1
    return (
        f"At m = {min(sizes)} {name(table, most.cell.entrant)} is {points(most, sign)} "
        f"{'above' if sign > 0 else 'below'} {name(table, most.against.entrant)}."
    )


def mean(one: Difference) -> float:
    """Of the differences, a fraction; 0 where there are none."""
    return one.paired.mean if one.paired else 0.0


def points(one: Difference, sign: int) -> str:
    """6.2 points (5.8 to 6.6)."""
    if one.paired is None:
        return "–"
    ends = sorted(100 * sign * end for end in (one.paired.t_low, one.paired.t_high))
    return f"{100 * sign * one.paired.mean:.1f} points ({ends[0]:.1f} to {ends[1]:.1f})"


def places(table: Table, found: Sequence[Difference]) -> str:
    """m = 2; m = 8 and below; m = 1 and 4."""
    sizes = sorted(one.cell.place.micro_batch for one in found)
    least = list(table.values_of("micro_batch"))[: len(sizes)]
    if len(sizes) > 1 and sizes == least:
        return f"m = {sizes[-1]} and below"
    return f"m = {listed([str(m) for m in sizes])}"


def name(table: Table, entrant: str) -> str:
    """A method's name in its colour."""
    ink = inks(table.experiments)[table.entrants.index(entrant)]
    return f'<b style="color:{ink.css}">{escape(ink.label)}</b>'


def left_out(misfits: Sequence[Misfit], label: "dict[str, str]") -> str:
    """Combinations of a grid without an experiment, by their reasons; "" if there are none."""
    reasons: dict[str, list[str]] = {}
    for one in misfits:
        where = f"{label.get(one.entrant, one.entrant)} at m = {one.settings['micro_batch']}"
        reasons.setdefault(one.why, []).append(where)
    said = [f"{listed(few(places))} ({why})" for why, places in reasons.items()]
    return f"Left out: {'; '.join(said)}." if said else ""


def few(words: list[str], most: int = 4) -> list[str]:
    """The first ones, and how many more there are."""
    left = len(words) - most
    return words if left <= 0 else [*words[:most], f"{left} more"]
