"""The document about the claims: docs/claims.md, made from results and nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite

import numpy as np

from bkn.claims.base import SUPPORTED, TOPICS, VERDICTS, Claim, Comparison, Verdict
from bkn.claims.words import number, span, wanted
from bkn.experiment import Experiment
from bkn.results import Result
from bkn.store.sweeps import DONE
from bkn.tables import markdown

HELD_OUT = "held_out_accuracy"  # figure of runs that are tested on a domain they never saw
HOLDS = {True: "yes", False: "**no**", None: "open"}
HEAD = """# Claims of papers, put to the test

Written by `python -m bkn claim {names}` on {date}, {protocol} protocol: {machine}; {versions}.
{counts} {done} runs, {time} of training on one thread each.

{what}
"""
WHAT = """Every claim was put into code, with its protocol and the rule that decides it, before any
of its runs were looked at. The seeds are fresh: defaults and initial weights were chosen on others.
For one seed all methods see the same initial weights and the same batches, so values are compared
in pairs. A verdict holds for this protocol, which is far smaller than the paper's.

- **Supported here**: every comparison that decides holds.
- **Not supported here**: one of them fails: the difference is not above 0 and its interval leaves
  no room for a gain worth having, or it is beyond the margin.
- **Inconclusive**: neither; these seeds cannot tell.

A difference is *above 0* if Student's t says so at 5 %, two-sided. That holds however small it is;
where it is surely less than what was called worth having, the words below the table say so. Two
things are *equal within a margin* by two one-sided t tests at 5 % each, so that the 90 % interval
is shown; *at most so far behind* is one of these tests. All p values that decide a claim are
adjusted for their number (Holm). Intervals are not: each is of one comparison alone, so one may lie
above 0 while its comparison is open. Comparisons in brackets are only shown."""


@dataclass(frozen=True)
class Entry:
    """A claim with what is known of it."""

    claim: Claim
    results: Sequence[Result]  # of its protocol's jobs
    verdict: Verdict


@dataclass(frozen=True)
class About:
    """When and where the document is written.

    Args:
        date: as 2026-11-21.
        protocol: laptop or gpu.
        machine: its kind, without its name.
        versions: of what it was made with.
        names: of the claims, as on the command line.
    """

    date: str
    protocol: str
    machine: str
    versions: str
    names: str = "all"


def document(entries: Sequence[Entry], about: About) -> str:
    """The whole document as Markdown."""
    results = {r.job.id: r for entry in entries for r in entry.results if r.status in DONE}
    verdicts = Counter(entry.verdict.verdict for entry in entries)
    counts = ", ".join(f"{verdicts[one]} {one}" for one in VERDICTS if verdicts[one])
    told = "1 claim" if len(entries) == 1 else f"{len(entries)} claims"
    head = HEAD.format(
        names=about.names, date=about.date, protocol=about.protocol, machine=about.machine,
        versions=about.versions, counts=f"{told}: {counts}.",
        done=f"{len(results):,}", time=duration(seconds(results.values())), what=WHAT,
    )  # fmt: skip
    return "\n".join([head, summary(entries), *_topics(entries, about.protocol)]) + "\n"


def summary(entries: Iterable[Entry]) -> str:
    """One row per claim."""
    rows = [
        [
            f"[{entry.claim.title}](#{entry.claim.key})",
            _verdict(entry.verdict),
            _effect(entry.verdict),
            str(entry.verdict.seeds or ""),
        ]
        for entry in entries
    ]
    return markdown(("claim", "verdict", "effect with its interval", "seeds"), rows)


def comparisons(tests: Sequence[Comparison]) -> str:
    """One row per comparison; those in brackets have no say."""
    rows = [
        [
            test.label if test.decides else f"({test.label})",
            f"{number(test.effect)} {test.unit}" if isfinite(test.effect) else "",
            f"{span(test)} ({test.level:.0%})" if isfinite(test.effect) else "",
            wanted(test),
            chance(test.p) if isfinite(test.effect) else "",
            HOLDS[test.holds],
            str(test.n),
            f"{test.wins} : {test.losses}",
        ]
        for test in tests
    ]
    head = ("comparison", "effect", "interval", "holds if", "p", "holds", "seeds", "above : below")
    return markdown(head, rows)


def chance(p: float) -> str:
    """A p value with the digits that mean something."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def seconds(results: Iterable[Result]) -> float:
    """Training time of all that is done."""
    return sum(r.summary.get("wall_seconds", r.summary.get("seconds", 0.0)) for r in results)


def duration(taken: float) -> str:
    """In words: 45 s, 12 min, 1 h 5 min."""
    if taken < 90:
        return f"{taken:.0f} s"
    hours, minutes = divmod(round(taken / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _topics(entries: Sequence[Entry], protocol: str) -> Iterator[str]:
    for topic, title in TOPICS.items():
        chosen = [entry for entry in entries if entry.claim.topic == topic]
        if chosen:
            yield f"\n## {title}"
            yield from (_section(entry, protocol) for entry in chosen)


def _section(entry: Entry, protocol: str) -> str:
    claim, verdict = entry.claim, entry.verdict
    here = claim.protocol(protocol)
    tables = []
    for part in verdict.parts:
        if len(verdict.parts) > 1:
            tables.append(f"*{part.title}:* {part.verdict}.\n")
        if any(test.n > 1 for test in part.tests):
            tables.append(comparisons(part.tests) + "\n")
    return "\n".join([
        f'\n### {claim.title}<a id="{claim.key}"></a>\n',
        f"{_verdict(verdict)} `{claim.key}`\n",
        f"{claim.words}\n",
        f"- Source: [{claim.source}]({claim.url})",
        f"- There: {claim.paper_protocol}",
        f"- Here: {here.words}",
        f"- Decides: {claim.test}",
        f"- Margin: {number(here.margin, sign=False)} {claim.unit}. {here.reason}\n",
        *tables,
        f"{verdict.words}\n",
        _runs(entry.results),
    ])  # fmt: skip


def _runs(results: Sequence[Result]) -> str:
    """What every setting reached, and its runs' ids: the Race page shows one with ?run=<id>."""
    varies = _varying(results)
    rows: dict[str, list[Result]] = {}
    for one in results:
        rows.setdefault(_setting(one, varies), []).append(one)
    done = [r for r in results if r.status in DONE]
    told = f"{len(done)} of {len(results)} runs, {duration(seconds(done))} of training"
    told += ", with their final test accuracy"
    lines = [f"- {setting}: {_reached(found)}: {_ids(found)}" for setting, found in rows.items()]
    return "\n".join([f"<details><summary>{told}</summary>\n", *lines, "\n</details>"])


def _varying(results: Sequence[Result]) -> list[str]:
    """Fields in which the experiments differ, beside those that are always told."""
    told = {"method", "options", "seed", "batch", "micro_batch", "network", "lr", "epochs"}
    names = [f.name for f in fields(Experiment) if f.name not in told]
    seen = {name: {str(getattr(r.job.experiment, name)) for r in results} for name in names}
    return [name for name in names if len(seen[name]) > 1]


def _setting(result: Result, varies: Sequence[str]) -> str:
    e = result.job.experiment
    words = [f"`{result.entrant}` ({e.batch}, {e.micro_batch})", e.network, f"lr {e.lr:g}"]
    words.append(f"{e.epochs} epoch{'s' if e.epochs > 1 else ''}")
    for name in varies:
        value = getattr(e, name)
        if isinstance(value, Mapping):
            words += [f"{key} {one}" for key, one in value.items()]
        else:
            words.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(words)


def _reached(results: Sequence[Result]) -> str:
    """Mean test accuracy with its deviation over seeds, and how many runs ended otherwise."""
    told = _spread([r.accuracy for r in results if r.accuracy is not None])
    unseen = [r.summary[HELD_OUT] for r in results if HELD_OUT in r.summary]
    if unseen:
        told = [*told, "on what was held out " + ", ".join(_spread(unseen))]
    ends = Counter(r.status for r in results if r.status != "finished")
    return ", ".join([*told, *(f"{count} {status}" for status, count in ends.items())])


def _spread(fractions: Sequence[float]) -> list[str]:
    """Mean and deviation in %, as far as there are enough values."""
    told = [f"{100 * np.mean(fractions):.2f} %"] if fractions else ["accuracy not known"]
    return [*told, f"sd {100 * np.std(fractions, ddof=1):.2f}"] if len(fractions) > 1 else told


def _ids(results: Sequence[Result]) -> str:
    return " ".join(result.job.id for result in results)


def _verdict(verdict: Verdict) -> str:
    words = verdict.verdict[0].upper() + verdict.verdict[1:]
    return f"**{words}**" if verdict.verdict == SUPPORTED else words


def _effect(verdict: Verdict) -> str:
    if not isfinite(verdict.effect):
        return ""
    found = f"{number(verdict.effect)} {verdict.unit}"
    return f"{found} ({number(verdict.low)} to {number(verdict.high)})"
