"""The table of paired differences: every method against one of them, at each micro-batch."""

from collections.abc import Sequence
from html import escape

from app.batch_size.compare import Difference, differences, may_compare
from app.batch_size.table import Place, Table
from app.palette import inks
from bkn.stats import ONE_SEED

VERDICTS = {
    "better": "better",
    "worse": "worse",
    "unclear": "no difference shown",
    "too few": "too few seeds",
}
HEADS = (
    "m", "Method", "Difference", "95 % interval", "Verdict", "p (Holm)", "Ahead – behind", "Seeds",
)  # fmt: skip


def pairs(table: Table, at: Place, baseline: str) -> str:
    """HTML of the table, or of why there is none."""
    label = inks(table.experiments)[table.entrants.index(baseline)].label
    if len(table.seeds) < 2 or not may_compare(table, at):
        words = ONE_SEED if len(table.seeds) < 2 else "Differences need two seeds that have ended."
        return f'<p class="bkn-said">{words}</p>'
    found = differences(table, at, baseline)
    if not found:
        return '<p class="bkn-said">One method alone has nothing to be compared with.</p>'
    count = sum(one.paired is not None for one in found)
    note = (
        f"Test accuracy minus that of {escape(label)} at the same m with the same seeds, in "
        "points. Intervals are Student's, of each difference by itself; p is a paired t test's, "
        f"corrected for the {count} comparisons of this table (Holm). Better and worse: p at most "
        "0.05."
    )
    head = "".join(f'<th scope="col">{one}</th>' for one in HEADS)
    return (
        f'<p class="bkn-shown">{note}</p><div class="bkn-pairs-box"><table class="bkn-pairs" '
        f'aria-label="Differences from {escape(label, quote=True)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows(table, found)}</tbody></table></div>"
    )


def rows(table: Table, found: Sequence[Difference]) -> str:
    """One row per comparison; the micro-batch stands in the first of its rows."""
    drawn = dict(zip(table.entrants, inks(table.experiments), strict=True))
    lines, last = [], 0
    for one in found:
        size = one.cell.place.micro_batch
        ink = drawn[one.cell.entrant]
        dot = f'<span class="dot" style="background:{ink.css_line}"></span>'
        apart, rest = ("".join(f"<td>{text}</td>" for text in some) for some in numbers(one))
        verdict = f'<td class="verdict {one.verdict.split()[0]}">{VERDICTS[one.verdict]}</td>'
        first = ' class="first"' if size != last else ""
        lines.append(
            f'<tr{first}><th scope="row">{size}</th><td>{dot}{escape(ink.label)}</td>'
            f"{apart}{verdict}{rest}</tr>"
        )
        last = size
    return "".join(lines)


def numbers(one: Difference) -> tuple[list[str], list[str]]:
    """Difference and interval; behind the verdict p, ahead and behind, seeds."""
    if one.paired is None or one.p is None:
        return ["–", "–"], ["–", "–", str(len(one.seeds))]
    found = one.paired
    interval = f"{signed(found.t_low)} to {signed(found.t_high)}"
    wins = f"{found.wins} – {found.losses}" + (f", {found.ties} equal" if found.ties else "")
    return [signed(found.mean), interval], [chance(one.p), wins, str(found.n)]


def signed(fraction: float) -> str:
    """+2.98; a real minus sign."""
    return f"{100 * fraction:+.2f}".replace("-", "−")


def chance(p: float) -> str:
    """0.012; what is smaller than can be told is said so."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
