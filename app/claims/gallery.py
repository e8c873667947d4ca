"""All claims side by side: what is claimed, by whom, and what came out here."""

import time
from collections.abc import Callable, Mapping, Sequence
from html import escape

import streamlit as st

from app.claims.looks import LOOKS, badge, band, capital, count, effect, outcome_of, telling
from app.claims.standing import Standing
from app.figures.interval import interval, scale
from bkn.claims.base import RUNNING, TOPICS
from bkn.claims.decisions import FEWEST
from bkn.claims.recorded import Recorded


def summary(standings: Mapping[str, Standing]) -> str:
    """HTML of how many claims have which verdict."""
    found = [one.verdict for one in standings.values()]
    told = [
        f'<li class="bkn-is-{look.key}"><i aria-hidden="true">{look.symbol}</i>'
        f"<b>{found.count(verdict)}</b> {escape(look.word)}</li>"
        for verdict, look in LOOKS.items()
        if verdict != RUNNING or RUNNING in found
    ]
    return f'<ul class="bkn-summary" aria-label="Verdicts">{"".join(told)}</ul>'


def gallery(standings: Sequence[Standing], opened: str, choose: Callable[[str], None]) -> None:
    """Cards by topic, in an order that no verdict changes."""
    for topic, words in TOPICS.items():
        members = [one for one in standings if one.claim.topic == topic]
        if not members:
            continue
        st.html(f'<h3 class="bkn-family">{escape(words)}</h3>')
        with st.container(key=f"topic_{topic}"):
            for one in members:
                tile(one, one.claim.key == opened, choose)


def tile(one: Standing, is_open: bool, choose: Callable[[str], None]) -> None:
    """One claim: verdict, words, source, effect; a click opens it."""
    key = one.claim.key
    with st.container(key=f"card_{'open_' if is_open else ''}{key}"):
        st.button(one.claim.title, f"open_{key}", type="tertiary", on_click=choose, args=(key,))
        st.markdown(card(one), unsafe_allow_html=True)  # unlike st.html, it lets drawings through


def card(one: Standing) -> str:
    """HTML of what a card says below its title."""
    claim = one.claim
    url = escape(claim.url, quote=True)
    return (
        f'<div class="bkn-claim bkn-is-{LOOKS[one.verdict].key}">{badge(one.verdict)}'
        f'<p class="words">{escape(claim.words)}</p>'
        f'<p class="source"><a href="{url}" target="_blank" rel="noopener">'
        f"{escape(claim.source)}</a></p>"
        f"{progress(one)}{drawn(one)}"
        f'<p class="foot">{escape(foot(one))}</p></div>'
    )


def drawn(one: Standing) -> str:
    """HTML of the effect that tells most; a sentence where there are too few seeds for one."""
    shown = one.shown
    test = telling(shown) if shown.tests else None
    if test is None or test.n < FEWEST:
        return f'<p class="effect none">{too_few(test.n if test else 0)}</p>'
    picture = interval(
        test.effect, test.low, test.high, f"{test.label}: {effect(test)}",
        scale((test.low, test.high, *band(test))), f"bkn-is-{outcome_of(test, shown).key}",
        band(test),
    )  # fmt: skip
    bold, _, rest = effect(test).partition(" (")
    deciding = sum(other.decides for other in shown.tests)
    more = f" (one of {deciding} that decide)" if deciding > 1 else ""
    return (
        f'{picture}<p class="effect"><b>{escape(bold)}</b> ({escape(rest)}<br>'
        f"<small>{escape(capital(test.label) + more)}</small></p>"
    )


def too_few(seeds: int) -> str:
    """Why there is no effect to see."""
    if not seeds:
        return "Nothing to compare yet."
    return (
        f"{count(seeds, 'seed')} so far: with fewer than {FEWEST}, "
        "chance decides, so nothing is judged."
    )


def progress(one: Standing) -> str:
    """HTML of how far its runs are, where some are and others are not."""
    total = len(one.jobs)
    if not one.stage or one.decided:
        return ""
    words = f"{one.done:,} of {count(total, 'run')}"
    if one.stage != "running":
        words = f"{one.stage} at {words}"
    return bar(one.share, words)


def bar(share: float, words: str) -> str:
    """HTML of a progress bar with its words."""
    return (
        f'<div class="bkn-progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{100 * share:.0f}" aria-label="{escape(words, quote=True)}">'
        f'<span style="width:{100 * share:.1f}%"></span></div>'
        f'<p class="bkn-far">{escape(words)}</p>'
    )


def foot(one: Standing) -> str:
    """What the shown effect rests on: "10 seeds · 40 runs · recorded 24 Nov 2026"."""
    if one.recorded is not None and one.from_record:
        return (
            f"{count(one.shown.seeds, 'seed')} · {count(len(one.recorded.runs), 'run')} · "
            f"recorded on {origin(one.recorded)}"
        )
    if not one.done:
        return f"{count(len(one.jobs), 'run')} to make"
    made = "" if one.decided else f"{one.done:,} of "
    return f"{count(one.own.seeds, 'seed')} · {made}{count(len(one.jobs), 'run')} made here"


def origin(kept: Recorded) -> str:
    """When and on what: 24 Nov 2026, Linux x86_64, 2 cores, CPU."""
    day = time.strftime("%d %b %Y", time.gmtime(kept.at)).lstrip("0")
    return f"{day}, {kept.machine}"
