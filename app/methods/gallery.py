"""All methods side by side: what each averages over is drawn, so that they compare at a glance."""

from collections.abc import Mapping
from html import escape

import streamlit as st

from app.figures.tensor import drawing
from app.methods import costs
from bkn.cards import FAMILIES, MethodCard
from bkn.store.costs import Cost

LEGEND = """<div class="bkn-legend"><p>Each drawing is a small batch: <b>four images</b> side by
side, each a pile of <b>four channels</b> with 2×2 places. <b>Cells of one colour share one
statistic</b>; another shade of it is the same statistic of other images.</p><p>A bracket
holds a micro-batch. Pale at the left: earlier batches that count too. A slab below: the layer below
predicts. A, B: domains. Grey: no statistics of activations. Step time: over that with PyTorch's
batch norm.</p></div>"""


def gallery(cards: Mapping[str, MethodCard], opened: str, known: Mapping[str, Cost]) -> None:
    """Tiles by family."""
    st.html(LEGEND)
    for family, words in FAMILIES.items():
        members = [card for card in cards.values() if card.family == family]
        if not members:
            continue
        st.html(f'<h3 class="bkn-family">{escape(words)}</h3>')
        with st.container(key=f"family_{family}"):
            for card in members:
                tile(card, card.key == opened, known.get(card.key))


def tile(card: MethodCard, is_open: bool, cost: Cost | None) -> None:
    """One method: its name, its drawing, one sentence, its cost; a click opens it."""
    with st.container(key=f"tile_{'open_' if is_open else ''}{card.key}"):
        st.button(
            card.title, f"open_{card.key}", type="tertiary", on_click=choose, args=(card.key,)
        )
        paid = f'<div class="cost">step time {costs.times(cost.ratio)}</div>' if cost else ""
        st.markdown(  # unlike st.html, it lets drawings through
            f'<div class="bkn-tile">{drawing(card.title, card.shares)}'
            f"<p>{escape(first_sentence(card))}</p>{paid}</div>",
            unsafe_allow_html=True,
        )


def choose(key: str) -> None:
    """Open a method; it stands in the address."""
    st.query_params["method"] = key


def first_sentence(card: MethodCard) -> str:
    """The idea in one sentence."""
    return card.idea.partition(". ")[0].rstrip(".") + "."
