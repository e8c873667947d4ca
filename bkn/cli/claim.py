"""Put claims of papers to the test: train what is missing, decide, and write docs/claims.md.

May be interrupted at any time and called again: what is done is never trained twice.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bkn.cards import pick
from bkn.claims import CLAIMS
from bkn.claims.base import Claim
from bkn.claims.document import About, Entry, document
from bkn.claims.recorded import DECIDED, PATH, machine_kind, record, write
from bkn.claims.words import number
from bkn.cli.conduct import Outcome, conduct, require_here, timed_estimate
from bkn.cli.executors import add_executor, conductor_of
from bkn.cli.files import make_room
from bkn.cli.machine import device_name, versions
from bkn.engine.conductor import Conductor
from bkn.results import results
from bkn.store.home import ROOT, home, store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import DONE, job_rows, left_of
from bkn.store.writer import Writer
from bkn.sweep import Sweep

OUT = ROOT / "docs" / "claims.md"
RECORDED = PATH  # what the page shows before anything is trained
STOPPED_BY_HAND = 130  # exit status, as shells have it


def add(parser: argparse.ArgumentParser) -> None:
    """Which claims, by which protocol, where to train, and where the document goes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="keys of claims, or all")
    parser.add_argument("--list", action="store_true", help="list the claims and train nothing")
    parser.add_argument(
        "--protocol", default="laptop", help="laptop or gpu (default: laptop), see docs/claims.md"
    )
    add_executor(parser)
    parser.add_argument("--estimate", action="store_true", help="only say how long it will take")
    parser.add_argument("--again", action="store_true", help="try again what failed before")
    parser.add_argument(
        "--only-document", action="store_true", help="train nothing; write what the store knows"
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="the document (default: docs/claims.md, for all claims by the laptop protocol, beside "
        "the verdicts that the page shows before anything is trained; else none is written)",
    )


def run(given: argparse.Namespace) -> int:
    """Train what is missing, decide, print and write; status 1 if any claim is left undecided or
    rests on fewer runs than it asked for, because some failed.
    """
    claims = chosen(given.names)
    for claim in claims:
        claim.protocol(given.protocol)  # refuses one that does not exist
    if given.out:
        if not given.names or given.list:
            raise ValueError(f"--out {given.out} takes the document of claims: name some, or all")
        make_room(given.out)
    try:
        with Writer(store_path(home())):
            pass  # made and migrated
        if given.list or not given.names:
            print(listing(claims, given.protocol))
            return 0
        if not given.only_document and (stopped := _train(claims, given)) is not None:
            return stopped
        entries = decide(claims, given.protocol)
    except KeyboardInterrupt:
        return STOPPED_BY_HAND
    print(verdicts(entries))
    whole = len(claims) == len(CLAIMS) and given.protocol == "laptop"
    if given.out or whole:
        publish(entries, given.protocol, " ".join(given.names), given.out)
    else:
        print(unwritten(given.protocol), file=sys.stderr)
    for words in (failed := failures(entries)):
        print(words, file=sys.stderr)
    return int(bool(failed) or any(entry.verdict.verdict not in DECIDED for entry in entries))


def _train(claims: Sequence[Claim], given: argparse.Namespace) -> int | None:
    """Train what is not done; returns an exit status where that is all there is to do."""
    sweeps = [sweep for claim in claims for sweep in claim.protocol(given.protocol).sweeps]
    datasets = {name for sweep in sweeps for name in sweep.datasets}
    conductor = conductor_of(given, home(), sorted(datasets))
    try:
        left = unfinished(conductor, sweeps, given.again)
        if not left and not given.estimate:
            return None
        if given.executor == "local":  # a cluster has its own images and devices
            require_here(conductor, left, given.again)
        print(timed_estimate(conductor, left, given.again).words, file=sys.stderr)
        if given.estimate:
            return 0
        outcome = conduct(conductor, left, given.again)
    finally:
        conductor.close()
    return _stopped(outcome)


def unfinished(conductor: Conductor, sweeps: Sequence[Sweep], again: bool) -> list[Sweep]:
    """Those with jobs that are to be trained; `again`: also what failed before."""
    rows = job_rows(conductor.reader, [job.id for sweep in sweeps for job in sweep.jobs])
    return [sweep for sweep in sweeps if left_of(sweep.jobs, rows, again)]


def _stopped(outcome: Outcome) -> int | None:
    """Last words and an exit status, where training did not come to its end."""
    if outcome.by_hand:
        print("stopped; the same command continues it", file=sys.stderr)
        return STOPPED_BY_HAND
    if outcome.status == "stopped":
        print(f"stopped: {outcome.message} The same command continues it", file=sys.stderr)
        return 1
    return None


def decide(claims: Sequence[Claim], protocol: str) -> list[Entry]:
    """Every claim by what the store holds now."""
    entries = []
    with closing(Reader(store_path(home()))) as reader:
        for claim in claims:
            found = results(reader, claim.protocol(protocol).jobs, curves=True)
            entries.append(Entry(claim, found, claim.decide(found)))
    return entries


def publish(entries: Sequence[Entry], protocol: str, names: str, out: Path | None) -> None:
    """Write the document; in its usual place also what the page shows.

    Raises:
        ValueError: where recorded verdicts would give way to none at all.
    """
    decided = [entry for entry in entries if entry.verdict.verdict in DECIDED]
    if out is None and not decided:
        raise ValueError(f"nothing is decided yet, so {OUT} stays as it is; --out names another")
    now, machine = time.time(), machine_kind(device_name())
    date = time.strftime("%Y-%m-%d", time.gmtime(now))
    text = document(entries, About(date, protocol, machine, versions(), names))
    path = out or OUT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"written: {path}", file=sys.stderr)
    if out is None:
        found = {e.claim.key: record(e.verdict, e.results, protocol, now, machine) for e in decided}
        write(found, RECORDED)


def unwritten(protocol: str) -> str:
    """Where the document is, and how to get one, when none was written.

    The one in its usual place has one date and one machine for all claims, so that a few of them
    are never put into it.
    """
    beside = "" if protocol == "laptop" else f" --protocol {protocol} --out FILE"
    return (
        f"{OUT.name} is left as it is: it is about all claims by the laptop protocol; "
        f"`python -m bkn claim all{beside}` writes all, and --out FILE only what is named"
    )


def verdicts(entries: Sequence[Entry]) -> str:
    """A line per claim."""
    width = max(len(entry.claim.key) for entry in entries)
    lines = []
    for entry in entries:
        v = entry.verdict
        told = v.words
        if v.verdict in DECIDED:
            told = f"{number(v.effect)} {v.unit} ({number(v.low)} to {number(v.high)})"
        lines.append(f"{entry.claim.key:<{width}}  {v.verdict:<18}  {told}")
    return "\n".join(lines)


def failures(entries: Sequence[Entry]) -> list[str]:
    """A line per claim some of whose runs failed: how many, and why the first one did."""
    lines = []
    for entry in entries:
        if why := [one.message for one in entry.results if one.status == "failed"]:
            told = f"{len(why)} of {len(entry.results)} runs of {entry.claim.key} failed"
            lines.append(f"{told}: {why[0].rstrip('.')}; --again tries once more")
    return lines


def listing(claims: Sequence[Claim], protocol: str) -> str:
    """A line per claim: how many of its runs are done, and its title."""
    width = max(len(claim.key) for claim in claims)
    lines = []
    with closing(Reader(store_path(home()))) as reader:
        for claim in claims:
            ids = [job.id for job in claim.protocol(protocol).jobs]
            done = sum(row.status in DONE for row in job_rows(reader, ids).values())
            lines.append(f"{claim.key:<{width}}  {done:>3} of {len(ids):>3} runs  {claim.title}")
    return "\n".join(lines)


def chosen(names: Sequence[str]) -> list[Claim]:
    """The claims of these names, in the order of all.

    Raises:
        ValueError: for a name that no claim has.
    """
    keys = {pick(CLAIMS, name, "claim").key for name in names if name != "all"}
    if not names or "all" in names:
        return list(CLAIMS.values())
    return [claim for key, claim in CLAIMS.items() if key in keys]
