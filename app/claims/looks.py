"""How verdicts look: a symbol, a word and a colour each, everywhere the same."""

from html import escape
from typing import NamedTuple

from app.palette import Pair, legible
from bkn.claims.base import (
    INCONCLUSIVE,
    NOT_RUN,
    NOT_SUPPORTED,
    RUNNING,
    SUPPORTED,
    Comparison,
    Verdict,
)
from bkn.claims.recorded import DECIDED
from bkn.claims.words import number, span


class Look(NamedTuple):
    """One verdict."""

    key: str  # class in HTML
    symbol: str
    word: str
    color: str

    @property
    def tone(self) -> Pair:
        """Legible as words on the light and on the dark theme."""
        return legible(self.color, 4.5)


LOOKS = {  # in the order of every list
    SUPPORTED: Look("supported", "✓", SUPPORTED, "#00875F"),
    NOT_SUPPORTED: Look("refuted", "✕", NOT_SUPPORTED, "#C8501E"),
    INCONCLUSIVE: Look("open", "?", INCONCLUSIVE, "#6A5ACD"),
    RUNNING: Look("running", "▸", RUNNING, "#0072B2"),
    NOT_RUN: Look("idle", "○", NOT_RUN, "#6B7280"),
}


def style() -> str:
    """The colours as a style sheet, for `st.html`."""
    rules = (
        f".bkn-is-{look.key} {{ --bkn-tone: light-dark({look.tone[0]}, {look.tone[1]}); }}"
        for look in LOOKS.values()
    )
    return f"<style>{' '.join(rules)}</style>"


def badge(verdict: str) -> str:
    """HTML of a verdict: its symbol and its word."""
    look = LOOKS[verdict]
    return (
        f'<span class="bkn-verdict bkn-is-{look.key}">'
        f'<i aria-hidden="true">{look.symbol}</i>{escape(look.word)}</span>'
    )


def telling(verdict: Verdict) -> Comparison:
    """The comparison that made the verdict what it is: the first that fails, or is open."""
    deciding = [test for test in verdict.tests if test.decides]
    for outcome, holds in ((NOT_SUPPORTED, False), (INCONCLUSIVE, None)):
        if verdict.verdict == outcome:
            return next((test for test in deciding if test.holds is holds), verdict.tests[0])
    return verdict.tests[0]


def effect(test: Comparison) -> str:
    """An effect with its interval, in words: "+2.98 points (+2.18 to +3.77)"."""
    return f"{number(test.effect)} {test.unit} ({span(test)})"


def band(test: Comparison) -> tuple[float, float]:
    """From where to where a difference is too small to matter."""
    below, above = {"beats": (0, 1), "reaches": (-1, 0)}.get(test.kind, (-1, 1))
    return below * test.margin, above * test.margin


def count(n: int, one: str) -> str:
    """1 run; 1,200 runs."""
    return f"{n:,} {one if n == 1 else one + 's'}"


def outcome_of(test: Comparison, of: Verdict) -> Look:
    """How a comparison came out; while runs of its claim are missing, nothing came out yet."""
    if of.verdict not in DECIDED:
        return LOOKS[NOT_RUN]
    return LOOKS[{True: SUPPORTED, False: NOT_SUPPORTED, None: INCONCLUSIVE}[test.holds]]


def capital(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]
