"""What a sweep's cells say about each other: differences over the seeds that both have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from app.batch_size.table import Cell, Place, Table
from bkn.stats import FEWEST, Paired, holm, paired

ALPHA = 0.05
EQUAL = 1e-9  # a deviation below it: all differences are equal


@dataclass(frozen=True)
class Difference:
    """One cell against another, seed by seed."""

    cell: Cell
    against: Cell
    seeds: tuple[int, ...]  # known in both
    paired: Paired | None  # of accuracies, fractions; None with fewer than two seeds
    p: float | None = None  # adjusted for all that are compared with it

    @property
    def verdict(self) -> str:
        """better or worse where chance is no good explanation; unclear; too few."""
        if self.paired is None or self.p is None:
            return "too few"
        if self.p > ALPHA:
            return "unclear"
        return "better" if self.paired.mean > 0 else "worse"


def differences(table: Table, at: Place, baseline: str) -> list[Difference]:
    """Every other method against the baseline at each micro-batch, in the order of the grid."""
    found = []
    others = [entrant for entrant in table.entrants if entrant != baseline]
    for place in {cell.place: None for row in table.row(at) for cell in row}:
        against = table.cells[baseline, place]
        found += [difference(table.cells[entrant, place], against) for entrant in others]
    return adjusted([one for one in found if one.cell.results and one.against.results])


def falls(table: Table, at: Place) -> list[Difference]:
    """Every method at each micro-batch against itself at its largest: where does it break?

    Those that look at each image by itself cannot: they train the same network at every m.
    """
    found = []
    for row, experiment in zip(table.row(at), table.experiments, strict=True):
        cells = [cell for cell in row if cell.results]
        if experiment.method_card.batch_statistics:
            found += [difference(cell, cells[-1]) for cell in cells[:-1]]
    return adjusted(found)


def difference(cell: Cell, against: Cell) -> Difference:
    """Over the seeds known in both; not yet adjusted."""
    seeds = tuple(seed for seed in cell.values if seed in against.values)
    if len(seeds) < FEWEST:
        return Difference(cell, against, seeds, None)
    pairs = tuple(cell.values[s] for s in seeds), tuple(against.values[s] for s in seeds)
    return Difference(cell, against, seeds, compared(*pairs))


@lru_cache(maxsize=4096)
def compared(a: tuple[float, ...], b: tuple[float, ...]) -> Paired:
    """`paired`; a page that refreshes asks for the same again and again."""
    return paired(a, b)


def adjusted(found: Sequence[Difference]) -> list[Difference]:
    """With p values adjusted by Holm over all of them."""
    p_values = iter(holm([chance(one.paired) for one in found if one.paired is not None]))
    return [replace(one, p=next(p_values)) if one.paired else one for one in found]


def chance(one: Paired) -> float:
    """p of the t test; where all differences are equal, which is coarse and no certainty, of signs.

    Of equal differences a t test knows no deviation and would be certain after two.
    """
    return one.sign_p if one.sd < EQUAL else one.p


def may_compare(table: Table, at: Place) -> bool:
    """Whether some two methods, or two micro-batches, share at least two seeds."""
    return any(len(cell.values) >= FEWEST for row in table.row(at) for cell in row)
