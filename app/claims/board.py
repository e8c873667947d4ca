"""The parts of the Claims page in their places."""

from collections.abc import Mapping

import streamlit as st

from app.claims import buttons, gallery, link, looks, scene, sheet
from app.claims.standing import Standing
from app.lab import Lab
from bkn.claims.base import TOPICS

PROTOCOL_WORDS = {"laptop": "on a laptop", "gpu": "on a GPU"}


def top(lab: Lab, found: Mapping[str, Standing]) -> None:
    """The question, the counts, what the link got wrong, and the filters."""
    st.html(looks.style())
    st.html('<p class="bkn-sentence one">Are the papers right, here?</p>')
    if wrong := st.session_state.get(scene.WRONG):
        st.warning("In the link: " + "; ".join(wrong))
    with st.container(horizontal=True, vertical_alignment="center", key="claims_counts"):
        st.html(gallery.summary(found))
        st.segmented_control(
            "Protocol", link.PROTOCOLS, key="protocol", required=True, on_change=scene.heard,
            format_func=PROTOCOL_WORDS.__getitem__, label_visibility="collapsed",
        )  # fmt: skip
        buttons.all_claims(lab, list(found.values()))
    buttons.notices(lab)
    buttons.confirmation(lab, list(found.values()))
    with st.container(horizontal=True, vertical_alignment="center", key="claims_filters"):
        st.pills(
            "Verdict", list(link.VERDICTS), selection_mode="multi", key="verdict_filter",
            format_func=verdict_words, label_visibility="collapsed", on_change=scene.heard,
        )  # fmt: skip
        st.multiselect(
            "Topic", list(TOPICS), key="topic_filter", placeholder="All topics",
            format_func=TOPICS.__getitem__, label_visibility="collapsed", on_change=scene.heard,
        )  # fmt: skip


def verdict_words(name: str) -> str:
    """A filter's label: symbol and word."""
    look = looks.LOOKS[link.VERDICTS[name]]
    return f"{look.symbol} {look.word}"


def body(lab: Lab, found: Mapping[str, Standing], now: link.Asked) -> None:
    """The cards, and the opened claim beside them."""
    shown = scene.passing(found, now)
    opened = found.get(now.claim)
    with st.container(key="claims_open" if opened else "claims"):
        with st.container(key="claim_cards"):
            if not shown:
                st.info("No claim is all of that. Switch a filter off.")
            gallery.gallery(shown, now.claim, scene.choose)
        if opened:
            with st.container(key="claim_sheet"):
                sheet.head(opened, lambda: scene.choose(""))
                buttons.one_claim(lab, opened)
                sheet.outcome(opened)
                times = {name: buttons.whole(lab, opened, name) for name in link.PROTOCOLS}
                sheet.protocols(opened, times)
                sheet.behind(opened)
