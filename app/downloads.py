"""Images that are not on this machine yet: said in words, with a button that fetches them."""

from collections.abc import Iterable
from html import escape

import streamlit as st

from bkn.cards import DatasetCard
from bkn.catalog import DATASETS
from bkn.engine.fetching import Fetched, Fetching
from bkn.fetch.dataset import sources
from bkn.fetch.state import megabytes, state
from bkn.fetch.transfer import host
from bkn.home import home

TICK = 0.5  # seconds between looks while something is fetched
REFUSED = "_download_refused"


@st.cache_resource(show_spinner=False)
def fetching() -> Fetching:
    """This server's one fetched dataset at a time."""
    return Fetching(home())


def soonest(tick: float | None) -> float | None:
    """Seconds until it is worth looking again: this many, or sooner while something is fetched."""
    if not fetching().progress.running:
        return tick
    return TICK if tick is None else min(tick, TICK)


def are_here(keys: Iterable[str]) -> bool:
    """Whether the images of these datasets are on this machine."""
    return all(state(DATASETS[key]).ready for key in keys)


def about(key: str) -> None:
    """What is fetched now, or what could be: the dataset that the settings ask for.

    Args:
        key: of the dataset.
    """
    now, card = fetching().progress, DATASETS[key]
    missing = not state(card).ready
    if refused := st.session_state.get(REFUSED):
        st.error(refused)
    if now.failure and now.key == key and missing:
        st.error(f"{name(card)} could not be fetched: {now.failure}")
    if now.running:
        how_far(now)
    elif missing:
        offer(card)


def offer(card: DatasetCard) -> None:
    """Say what is missing and how much it is, with a button."""
    came = state(card).size
    already = f" {megabytes(came)} came already." if came else ""
    try:
        where = f" from {host(sources(card.files[0])[0])}"
    except ValueError as wrong:  # the operator has set a mirror that is none
        where = f" ({wrong})"
    words = (
        f"{name(card)} is not on this machine yet: {megabytes(card.size)}{where}.{already} "
        "Fetch it once, before you start."
    )
    with st.container(horizontal=True, vertical_alignment="center", key="downloading"):
        st.html(f'<p class="bkn-shown" role="status">{escape(words)}</p>')
        st.button(
            "Download", "download", icon=":material/download:", on_click=start, args=(card.key,)
        )


def how_far(now: Fetched) -> None:
    """A bar that fills, with a button that ends it."""
    card = DATASETS[now.key]
    with st.container(horizontal=True, vertical_alignment="center", key="downloading"):
        st.progress(share(now), f"{name(card)}: {doing(now)}")
        st.button("Cancel", "download_cancel", icon=":material/close:", on_click=cancel)


def doing(now: Fetched) -> str:
    """What is being done, in words: 64 of 170 MB, 3.2 MB a second."""
    if now.what == "downloading":
        pace = f", {megabytes(now.pace)} a second" if now.pace else ""
        return f"{megabytes(now.done)} of {megabytes(now.total)}{pace}"
    return {
        "waiting": "another process is fetching it",
        "checking": "looking at what is here",
        "unpacking": "unpacking",
    }.get(now.what, "getting ready")


def share(now: Fetched) -> float:
    """How much is here, 0 to 1."""
    return min(1.0, now.done / now.total) if now.total else 0.0


def name(card: DatasetCard) -> str:
    """CIFAR-10."""
    return card.title.split(",")[0]


def start(key: str) -> None:
    """Begin to fetch; a refusal is kept for the page."""
    st.session_state.pop(REFUSED, None)
    try:
        fetching().start(key)
    except ValueError as refused:
        st.session_state[REFUSED] = str(refused)


def cancel() -> None:
    """End it; what came so far stays, and the next time goes on from there."""
    fetching().cancel()
