"""Datasets: which are on this machine, and fetching those that are not.

Without a name it lists them. BKN_DATA_DIR says where they are kept, BKN_DATA_MIRROR names the
address of a folder to fetch from instead of where they were published.
"""

import argparse
import sys
import time

from tqdm import tqdm

from bkn.cards import DatasetCard, pick
from bkn.catalog import DATASETS
from bkn.cli.lines import end_with_stdin, say_line
from bkn.fetch.dataset import Doing, fetch
from bkn.fetch.state import megabytes, state
from bkn.home import data_folder

SAY_EVERY = 0.2  # seconds between lines about the same doing
INTERRUPTED = 130  # exit status


def add(parser: argparse.ArgumentParser) -> None:
    """Which datasets."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="datasets to fetch")
    parser.add_argument(
        "--lines", action="store_true", help="say what happens in JSON lines; end with stdin"
    )


def run(given: argparse.Namespace) -> int:
    """List, or fetch one after the other; status 1 if any failed."""
    cards = [pick(DATASETS, name, "dataset") for name in given.names]
    if given.lines:
        end_with_stdin()
    elif not cards:
        print(table())
        return 0
    try:
        failures = [card.key for card in cards if not fetched(card, given.lines)]
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return INTERRUPTED
    return int(bool(failures))


def table() -> str:
    """A line per dataset: where it stands."""
    width = max(map(len, DATASETS))
    lines = [f"{key:<{width}}  {words(card)}" for key, card in DATASETS.items()]
    return "\n".join([*lines, f"fetched ones are kept in {data_folder()}"])


def words(card: DatasetCard) -> str:
    """Where a dataset stands, in words."""
    if card.finder:
        return found_words(card)
    now = state(card)
    if now.kind == "shipped":
        return "drawn here" if card.drawn else "shipped"
    if now.kind == "here":
        return f"here, {megabytes(now.size)}"
    came = f", {megabytes(now.size)} came so far or are not checked yet" if now.size else ""
    return f"missing, {megabytes(card.size)} to fetch{came}: python -m bkn data {card.key}"


def found_words(card: DatasetCard) -> str:
    """What was found of images that only the disk can count, or why there are none."""
    try:
        there = card.of(card.complete({}))
    except ValueError as reason:
        return f"not to be used: {reason}"
    _, height, width = there.shape
    return (
        f"here, {there.train:,} pictures for training and {there.test:,} for testing in "
        f"{len(there.classes)} classes, {height}x{width}"
    )


def fetched(card: DatasetCard, lines: bool) -> bool:
    """Fetch one dataset and tell of it; whether it is here now."""
    if not card.files:
        _say(lines, fetched=card.key, words=f"{card.key} is {words(card)}, nothing to fetch")
        return True
    teller = LineTeller(card) if lines else BarTeller(card)
    try:
        fetch(card, say=teller.tell)
    except ValueError as refused:
        teller.close()
        _say(lines, failed=card.key, why=str(refused))
        return False
    teller.close()
    _say(lines, fetched=card.key, words=f"{card.key} is {words(card)}, in {data_folder()}")
    return True


class LineTeller:
    """Tells in JSON lines: a new doing at once, the same one now and then."""

    def __init__(self, card: DatasetCard):
        self.card, self._what, self._due = card, "", 0.0

    def tell(self, doing: Doing) -> None:
        if doing.what == self._what and time.monotonic() < self._due:
            return
        self._what, self._due = doing.what, time.monotonic() + SAY_EVERY
        say_line(
            fetching=self.card.key, what=doing.what, done=doing.done, total=doing.total,
            who=doing.who,
        )  # fmt: skip

    def close(self) -> None:
        """Nothing is open."""


class BarTeller:
    """Tells in a bar for people."""

    def __init__(self, card: DatasetCard):
        self._bar = tqdm(
            total=card.size, desc=card.key, unit="B", unit_scale=True, miniters=1, mininterval=0.2
        )

    def tell(self, doing: Doing) -> None:
        whom = f" for process {doing.who}" if doing.who else ""
        self._bar.set_postfix_str(doing.what + whom, refresh=False)
        if doing.total:
            self._bar.n = doing.done
        self._bar.update(0)

    def close(self) -> None:
        self._bar.set_postfix_str("", refresh=False)
        self._bar.close()


def _say(lines: bool, **what: str) -> None:
    if lines:
        say_line(**what)
    else:
        print(what.get("words") or f"{what['failed']} failed: {what['why']}", flush=True)
