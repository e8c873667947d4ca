"""A claim's comparisons and the runs behind them, as tables of HTML."""

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite

from app.claims.looks import badge, band, capital, outcome_of
from app.figures.interval import Scale, interval, scale
from bkn.claims.base import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, Comparison, Verdict
from bkn.claims.decisions import FEWEST
from bkn.claims.recorded import Run
from bkn.claims.words import number, span, wanted
from bkn.experiment import Experiment
from bkn.store.sweeps import JobRow
from bkn.sweep import Job

HEAD = (
    '<thead><tr><th scope="col">Compared</th><th scope="col">Difference and its interval</th>'
    '<th scope="col"></th><th scope="col">holds if</th>'
    '<th scope="col"><abbr title="The chance of such a result if it did not hold; adjusted for '
    'all comparisons of this claim (Holm)">p</abbr></th><th scope="col">holds</th></tr></thead>'
)
SETTINGS = ("dataset", "network", "batch", "micro_batch", "lr", "epochs")  # before the rarer ones
HOLDS = {SUPPORTED: "yes", NOT_SUPPORTED: "no", INCONCLUSIVE: "open"}
SHOWN_ONLY = ' <small title="It has no say in the verdict">shown only</small>'
NONE = Run("", None, None)


def comparisons(verdict: Verdict) -> str:
    """All comparisons, a row each, by the parts of the claim."""
    bodies = []
    for part in verdict.parts:
        title = ""
        if len(verdict.parts) > 1:
            title = (
                f'<tr><th class="part" colspan="6" scope="colgroup">{badge(part.verdict)} '
                f"{escape(part.title)}</th></tr>"
            )
        axes = scales(part.tests)
        rows = "".join(comparison(test, verdict, axes[test.unit]) for test in part.tests)
        bodies.append(f"<tbody>{title}{rows}</tbody>")
    return f'<div class="bkn-wide"><table class="bkn-tests">{HEAD}{"".join(bodies)}</table></div>'


def scales(tests: Sequence[Comparison]) -> dict[str, Scale]:
    """One scale for all comparisons that have a unit in common."""
    return {
        unit: scale(
            v for test in tests if test.unit == unit for v in (test.low, test.high, *band(test))
        )
        for unit in {test.unit for test in tests}
    }


def comparison(test: Comparison, verdict: Verdict, axis: Scale) -> str:
    """One row; with too few seeds it says so in place of a judgement."""
    look = outcome_of(test, verdict)
    label = escape(capital(test.label)) + ("" if test.decides else SHOWN_ONLY)
    if test.n < FEWEST:
        return (
            f'<tr><th scope="row">{label}</th><td colspan="5" class="none">'
            f"{test.n} of at least {FEWEST} seeds: too few to judge</td></tr>"
        )
    unit, reach = escape(test.unit), span(test)
    words = f"{test.label}: {number(test.effect)} {test.unit} ({reach})"
    picture = interval(test.effect, test.low, test.high, words, axis, f"bkn-is-{look.key}",
                       band(test))  # fmt: skip
    told = HOLDS.get(look.word, "not yet")
    return (
        f'<tr class="bkn-is-{look.key}"><th scope="row">{label}</th><td>{picture}</td>'
        f"<td><b>{number(test.effect)}</b> {unit}<br><small>{reach}, {test.n} seeds</small></td>"
        f"<td>{escape(wanted(test))}</td><td>{chance(test.p) if told != 'not yet' else '–'}</td>"
        f'<td><span class="bkn-verdict"><i aria-hidden="true">{look.symbol}</i>{told}</span></td>'
        "</tr>"
    )


def chance(p: float) -> str:
    """A p value: 0.03; below 0.001 no digits are worth anything."""
    if not isfinite(p):
        return "–"
    return "&lt; 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def varying(jobs: Sequence[Job]) -> list[str]:
    """Fields of the experiments in which these jobs differ, method and seed aside."""
    names = [*SETTINGS, "dataset_options", "network_options"]
    names += [
        name
        for name in Experiment.__dataclass_fields__
        if name not in (*names, "method", "options", "seed")
    ]
    return [name for name in names if len({plain(job, name) for job in jobs}) > 1]


def plain(job: Job, name: str) -> str:
    """A setting as people read it."""
    value = getattr(job.experiment, name)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in sorted(value.items())) or "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def runs(
    jobs: Sequence[Job], rows: Mapping[str, JobRow], recorded: Sequence[Run], address: str
) -> str:
    """All runs, a row each: settings, seed, accuracy, status; each begun here is a link.

    Args:
        jobs: of the protocol.
        rows: of those that have been begun here.
        recorded: those of elsewhere, in the jobs' order; shown where there is none here.
        address: of the Race page, from this page.
    """
    fields = varying(jobs)
    names = ["Method", *(name.replace("_", "-") for name in fields), "Seed", "Accuracy", "Status"]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    elsewhere = recorded if len(recorded) == len(jobs) else [NONE] * len(jobs)
    body = "".join(
        run(job, fields, rows.get(job.id), known, address)
        for job, known in zip(jobs, elsewhere, strict=True)
    )
    return (
        f'<div class="bkn-runs" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def run(
    job: Job,
    fields: Sequence[str],
    row: JobRow | None,
    recorded: Run,
    address: str,
) -> str:
    """One row."""
    status, accuracy = recorded.status, recorded.accuracy
    name = escape(job.experiment.label)
    hint = ""
    if row is not None:
        status, accuracy = row.status, row.summary.get("test_accuracy")
        name = f'<a href="{address}?run={job.id}" target="_self">{name}</a>'
        words = escape(row.message, quote=True).replace("\n", "&#10;")  # an empty line ends HTML
        hint = f' title="{words}"' if words else ""
        if status == "running":
            status = f"step {row.step:,} of {job.experiment.steps:,}"
    cells = [escape(plain(job, field)) for field in fields]
    cells += [str(job.experiment.seed), "–" if accuracy is None else f"{100 * accuracy:.2f} %"]
    bad = ' class="bad"' if status in ("failed", "diverged") else ""
    return (
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}'
        f"<td{bad}{hint}>{escape(status or 'waiting')}</td></tr>"
    )
