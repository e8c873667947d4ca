"""One claim in full: how it is tested, what decides, what came out, and the runs behind it."""

from collections.abc import Callable
from html import escape

import streamlit as st

from app.claims import tables
from app.claims.gallery import origin, progress, too_few
from app.claims.looks import badge, count
from app.claims.standing import Standing
from bkn.claims.base import TOPICS
from bkn.claims.decisions import FEWEST
from bkn.claims.recorded import DECIDED
from bkn.claims.words import number

RACE = "./"  # the Race page, home, as a link from this page


def head(one: Standing, close: Callable[[], None]) -> None:
    """Title, verdict, and the way back."""
    claim = one.claim
    with st.container(horizontal=True, vertical_alignment="center", key="claim_head"):
        st.html(
            f'<h2 class="bkn-name">{escape(claim.title)}</h2>'
            f'<p class="bkn-shown">{escape(TOPICS[claim.topic])}</p>'
        )
        st.button("All claims", "close_claim", icon=":material/close:", on_click=close)
    url = escape(claim.url, quote=True)
    st.html(
        f'{badge(one.verdict)}<p class="bkn-idea">{escape(claim.words)}</p>'
        f'<p class="bkn-shown"><a href="{url}" target="_blank" rel="noopener">'
        f"{escape(claim.source)}</a></p>"
    )


def outcome(one: Standing) -> None:
    """The verdict in a sentence, how far the runs are, and every comparison."""
    shown = one.shown
    st.html('<h3 class="bkn-family">What came out</h3>')
    lines = "".join(f'<p class="bkn-said">{line}</p>' for line in said(one))
    st.html(f"{lines}{progress(one)}")
    if not shown.tests:
        return
    if shown.seeds < FEWEST:
        st.html(f'<p class="bkn-said">{escape(too_few(shown.seeds))}</p>')
    # unlike st.html, it lets drawings through
    st.markdown(tables.comparisons(shown), unsafe_allow_html=True)
    st.html(f'<p class="bkn-shown">{escape(legend(one))}</p>')


def said(one: Standing) -> list[str]:
    """HTML of what came out, a line for each part of the claim, whose it is, and its caveats."""
    shown, lines = one.shown, []
    if not shown.words:
        return [f"None of its {count(len(one.jobs), 'run')} is done here."]
    rest = shown.words
    if len(shown.parts) > 1 and shown.verdict in DECIDED:
        for part in shown.parts:
            lines.append(f"<b>{escape(part.title)}</b>: {escape(part.words)}")
            rest = rest.rpartition(part.words)[2].strip()
    if rest:
        lines.append(escape(rest))
    if one.recorded is not None and one.from_record:
        where = f"Recorded on {origin(one.recorded)}, until this claim is run here."
        if not one.recorded.fits(one.claim):
            where += " The protocol has changed since."
        lines.append(escape(where))
    return lines


def legend(one: Standing) -> str:
    """What the drawings mean."""
    protocol = one.claim.protocol(one.protocol)
    levels = sorted({f"{test.level:.0%}".replace("%", " %") for test in one.shown.tests})
    return (
        f"Dot and bar: mean of the differences over paired seeds and its {' or '.join(levels)} "
        "interval. Line: no difference. Shaded: too small to matter, up to "
        f"{number(protocol.margin, sign=False)} {one.claim.unit}. {protocol.reason}"
    )


def protocols(one: Standing, times: dict[str, str]) -> None:
    """The paper's protocol beside ours, and what decides.

    Args:
        one: the claim.
        times: protocol: its runs, hardware and time in words.
    """
    claim = one.claim
    columns = {
        "In the paper": (claim.paper_protocol, ""),
        "Here, on a laptop": (claim.laptop.words, times["laptop"]),
        "Here, on a GPU": (claim.gpu.words, times["gpu"]),
    }
    told = "".join(
        f"<section><h4>{name}</h4><p>{escape(words)}</p>"
        f"{f'<p class=soft>{escape(effort)}</p>' if effort else ''}</section>"
        for name, (words, effort) in columns.items()
    )
    st.html(f'<h3 class="bkn-family">How it is tested</h3><div class="bkn-protocols">{told}</div>')
    st.html(f'<h3 class="bkn-family">What decides</h3><p class="bkn-said">{escape(claim.test)}</p>')


def behind(one: Standing) -> None:
    """The runs, and the command that makes them."""
    kept = one.recorded
    fits = kept is not None and one.from_record and kept.fits(one.claim)
    with st.expander(f"The runs behind: {len(one.jobs):,}"):
        if kept is not None and one.from_record:
            st.caption(
                "Recorded elsewhere: their curves are not shipped. Run the claim to look at them."
            )
        # unlike st.html, it changes what has changed: a link stays while it is pressed
        table = tables.runs(one.jobs, one.rows, kept.runs if kept and fits else (), RACE)
        st.markdown(table, unsafe_allow_html=True)
    st.caption("The same without the page, also on a cluster:")
    extra = " --protocol gpu" if one.protocol == "gpu" else ""
    st.code(f"python -m bkn claim {one.claim.key}{extra}", language="bash")
