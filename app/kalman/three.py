"""What differs between the three filters: the table, and the same numbers put through all."""

from html import escape

import streamlit as st

from app.figures.filter_three import three_filters
from app.kalman.filters import FILTERS, ROWS, placed
from app.kalman.scene import Scene
from app.live import figure

SAME = (
    "The update is the same in all three: exactly the mean and variance of a mixture of prior and "
    "observation with the weights 1 − q and q. So q in the paper is no Kalman gain, which would "
    "follow from the two uncertainties; it is a number that somebody chose or that was trained. "
    "The adaptive filter computes it."
)


def three(scene: Scene) -> None:
    """Figure at the left, table at the right."""
    with st.container(key="three"):
        figure("fig_three", three_filters(scene, placed(scene)), height=440)
        st.html(f'<div class="bkn-three"><p>{SAME}</p>{table()}</div>')


def table() -> str:
    """One column per filter."""
    head = "".join(f'<th scope="col">{escape(one.title)}</th>' for one in FILTERS.values())
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f"<td>{escape(getattr(one, field))}</td>" for one in FILTERS.values())
        + "</tr>"
        for field, name in ROWS.items()
    )
    return f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
