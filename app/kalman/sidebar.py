"""The controls at the side: sliders for a filter of one's own, or a recorded layer."""

from typing import Any

import streamlit as st

from app.kalman.kept import change, draw, hear, settings
from app.kalman.settings import FREE, LINK, SOURCES
from bkn.cards import Param

VARIANCES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0,
             10.0, 20.0, 50.0, 100.0, 200.0)  # fmt: skip
PLACES = (1, 4, 16, 64, 256)
STEPS = {"prior_mean": 0.1, "truth_mean": 0.1, "noise": 0.05, "q": 0.01, "m": 1}
LABELS = {
    "prior_mean": "Prior: mean", "prior_var": "Prior: variance",
    "noise": "Noise: how images differ", "m": "Images per micro-batch, m", "q": "Gain, q",
    "truth_mean": "Truth: mean", "truth_var": "Truth: variance", "places": "Places per image",
    "draw": "Deal",
}  # fmt: skip


def source() -> str:
    """The switch between sliders and a recorded layer."""
    chosen: str = settings()["source"]
    draw(
        st.segmented_control, "source", "Numbers from", list(SOURCES), value=chosen,
        format_func=SOURCES.__getitem__, required=True,
    )  # fmt: skip
    return chosen


def sliders() -> None:
    """Draw the free sliders."""
    for name in ("prior_mean", "prior_var", "noise", "m", "q"):
        slider(FREE[name])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Draw again", "again", icon=":material/casino:", on_click=again,
                  help="Deal other images from the same truth.")  # fmt: skip
        st.button("Reset", "reset_sliders", icon=":material/restart_alt:", on_click=reset)
    with st.expander("More: truth, places, deal", key="more"):
        for name in ("truth_mean", "truth_var", "places"):
            slider(FREE[name])
        draw(
            st.number_input, "draw", LABELS["draw"], 0, 9999, value=settings()["draw"],
            help=FREE["draw"].help,
        )  # fmt: skip


def slider(param: Param) -> None:
    """One slider over the whole range of its parameter."""
    name, value = param.name, settings()[param.name]
    stops = {"places": PLACES}.get(name, VARIANCES if name.endswith("_var") else None)
    more: dict[str, Any] = {"value": value, "help": param.help}
    if stops is None:
        ends = low(param), high(param)
        draw(st.slider, name, LABELS[name], *ends, step=STEPS[name], **more)
    else:
        within = {stop for stop in stops if low(param) <= stop <= high(param)}
        draw(st.select_slider, name, LABELS[name], sorted(within | {value}), **more)


def low(param: Param) -> Any:
    """Lower end, in the type of the slider."""
    return int(param.low or 0) if param.integer else param.low


def high(param: Param) -> Any:
    """Upper end, in the type of the slider."""
    return int(param.high or 0) if param.integer else param.high


def again() -> None:
    """Other images."""
    hear()  # a number that was typed just before the press
    change(draw=(settings()["draw"] + 1) % 10_000)


def reset() -> None:
    """All sliders at their defaults."""
    hear()  # else a slider moved just before the press would count as moved after it
    change(**{name: LINK[name] for name in FREE})
