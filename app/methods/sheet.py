"""One method in full: idea, drawing, equations, what it does when, options, paper, cost."""

from html import escape

import streamlit as st

from app import forms, pages, watch
from app.address import write
from app.figures.tensor import drawing, in_words
from app.methods import costs
from app.methods.link import race_settings
from bkn.cards import FAMILIES, MethodCard, Param
from bkn.store.costs import Cost


def sheet(card: MethodCard, cost: Cost | None) -> None:
    """Draw all of it."""
    with st.container(horizontal=True, vertical_alignment="center", key="sheet_head"):
        year = f" · {card.year}" if card.year else ""
        st.html(
            f'<h2 class="bkn-name">{escape(card.title)}</h2>'
            f'<p class="bkn-shown">{escape(FAMILIES[card.family])}{year}</p>'
        )
        if st.button("Race this", "race_this", icon=":material/flag:", type="primary"):
            race_this(card)
    st.html(f'<p class="bkn-idea">{escape(card.idea)}</p>')
    st.markdown(  # unlike st.html, it lets drawings through
        f'<figure class="bkn-drawn">{drawing(card.title, card.shares, big=True)}'
        f"<figcaption>{escape(capital(said(card)))}.</figcaption></figure>",
        unsafe_allow_html=True,
    )
    for equation in card.equations:
        st.latex(equation)
    st.html(facts(card))
    if card.params:
        st.html(options(card))
    paid(card, cost)


def said(card: MethodCard) -> str:
    """What one statistic runs over, in words."""
    words = in_words(card.shares)
    if card.family == "mixed":
        return f"several statistics are blended; drawn is how far they reach together: {words}"
    return words


def capital(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]


def facts(card: MethodCard) -> str:
    """What it does when, as a list of terms."""
    paper = escape(card.paper)
    if card.link:
        link = escape(card.link, quote=True)
        paper = f'<a href="{link}" target="_blank" rel="noopener">{paper or link}</a>'
    rows = {
        "In training": escape(card.training),
        "In evaluation": escape(card.evaluation),
        "Stands": escape(card.stands),
        "Stores": f"{escape(capital(card.stores))}.",
        "Defaults": escape(card.note),
        "Paper": paper,
    }
    lines = [f"<dt>{name}</dt><dd>{words}</dd>" for name, words in rows.items() if words]
    return f'<dl class="bkn-facts">{"".join(lines)}</dl>'


def options(card: MethodCard) -> str:
    """Its options as a table."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(param.name)}</th><td>{escape(amount(param))}</td>"
        f"<td>{escape(explained(param))}</td></tr>"
        for param in card.params
    )
    return (
        '<table class="bkn-options"><thead><tr><th scope="col">Option</th>'
        '<th scope="col">Default</th><th scope="col">What it does</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def amount(param: Param) -> str:
    """The default as people write it."""
    default = param.default
    return f"{default:g}" if isinstance(default, float) else str(default)


def explained(param: Param) -> str:
    """Help, what is allowed, and whether it counts in shares of the planned steps."""
    words = f"{param.help} {capital(param.allowed)}."
    if param.of_steps:
        words += " It is a share of the planned steps: 0 is the first, 1 the last."
    if param.live:
        words += " May be changed while a race runs."
    return words


def paid(card: MethodCard, cost: Cost | None) -> None:
    """What a training step costs, and the button that measures it."""
    with st.container(horizontal=True, vertical_alignment="center", key="sheet_cost"):
        if cost:
            st.html(
                f'<p class="bkn-cost"><b>{costs.times(cost.ratio)}</b> the step time of '
                f"PyTorch's batch norm, {cost.step_ms:.1f} ms<br>"
                f"<small>{escape(costs.where(cost))}</small></p>"
            )
        else:
            st.html(
                '<p class="bkn-cost">What does a training step cost?<br>'
                "<small>Not yet measured on this machine.</small></p>"
            )
        st.button(
            "Measure again" if cost else "Measure", "measure", icon=":material/timer:",
            on_click=costs.start, args=([card.key],),
            disabled=costs.measuring().progress.running,
            help=costs.in_full(cost) if cost else "Takes one to two seconds.",
        )  # fmt: skip


def race_this(card: MethodCard) -> None:
    """Open the Race page with this method; a race that runs goes on until Start."""
    st.session_state.setdefault(watch.RUN, "")
    forms.seed(write(race_settings(card)), None)
    st.switch_page(pages.race())
