"""The controls at the side: sliders for a filter of one's own, or a recorded layer.

What a visitor chose is kept in one dict of the session, so that it outlives a look at another
page, and a widget of the same name there cannot disturb it.
"""

from typing import Any

import streamlit as st

from app.kalman.settings import FREE, LINK, SOURCES, Settings, read, write
from bkn.cards import Param

KEPT = "_kalman"
WRONG = "_kalman_wrong"
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


def settings() -> Settings:
    """All settings of this session; the link fills them once."""
    if KEPT not in st.session_state:
        url = {name: st.query_params.get_all(name) for name in st.query_params}
        st.session_state[KEPT], st.session_state[WRONG] = read(url)
    kept: Settings = st.session_state[KEPT]
    return kept


def keep() -> None:
    """Write the settings into the address bar where it differs."""
    here = {name: st.query_params.get_all(name) for name in st.query_params}
    link = write(settings())
    if link != here:
        st.query_params.from_dict(link)


def complain() -> None:
    """Say what is wrong in the link."""
    if wrong := st.session_state.get(WRONG):
        st.warning("In the link: " + "; ".join(wrong))


def change(name: str, value: Any) -> None:
    """Set one setting by hand; what the link got wrong has then been seen."""
    settings()[name] = value
    st.session_state[WRONG] = []


def moved(name: str) -> None:
    """Callback of a widget: its value becomes the setting."""
    change(name, st.session_state[name])


def source() -> str:
    """The switch between sliders and a recorded layer."""
    st.session_state["numbers_from"] = settings()["source"]
    st.segmented_control(
        "Numbers from", list(SOURCES), key="numbers_from", format_func=SOURCES.__getitem__,
        required=True, on_change=lambda: change("source", st.session_state["numbers_from"]),
    )  # fmt: skip
    chosen: str = settings()["source"]
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
        show("draw")
        st.number_input(
            LABELS["draw"], 0, 9999, key="draw", on_change=moved, args=("draw",),
            help=FREE["draw"].help,
        )  # fmt: skip


def slider(param: Param) -> None:
    """One slider over the whole range of its parameter."""
    name, value = param.name, show(param.name)
    stops = {"places": PLACES}.get(name, VARIANCES if name.endswith("_var") else None)
    more: dict[str, Any] = {"key": name, "on_change": moved, "args": (name,), "help": param.help}
    if stops is None:
        st.slider(LABELS[name], low(param), high(param), step=STEPS[name], **more)
    else:
        within = {stop for stop in stops if low(param) <= stop <= high(param)}
        st.select_slider(LABELS[name], sorted(within | {value}), **more)


def low(param: Param) -> Any:
    """Lower end, in the type of the slider."""
    return int(param.low or 0) if param.integer else param.low


def high(param: Param) -> Any:
    """Upper end, in the type of the slider."""
    return int(param.high or 0) if param.integer else param.high


def show(name: str) -> Any:
    """Bring a setting into its widget."""
    st.session_state[name] = settings()[name]
    return st.session_state[name]


def again() -> None:
    """Other images."""
    change("draw", (settings()["draw"] + 1) % 10_000)


def reset() -> None:
    """All sliders at their defaults."""
    for name in FREE:
        change(name, LINK[name])
