"""What the page is set to, and the widgets that show it.

What a visitor chose is kept in one dict of the session, so that it outlives a look at another
page. A widget shows a setting, or what the page makes of one that is left open. What a hand has
made of it since is found by comparing (`hear`), before anything is drawn; a widget that shows
something else than the page is ordered to (`draw`; see app/widgets.py).

Streamlit may break a run off wherever it reads or sets the session, and begin the next. So what
belongs together is written without that in between.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from app import widgets
from app.kalman.settings import FREE, Settings, read, write

KEPT = "_kalman"
WRONG = "_kalman_wrong"
DRAWN = "_kalman_drawn"  # key of how each setting was last shown
FORGET = ("race", "entrant", "layer")  # with another of these the channel is chosen anew


@dataclass(frozen=True)
class Drawn:
    """How a setting was last shown."""

    setting: Any
    value: Any  # what its widget showed
    default: Any  # which of the widget's values leaves the setting open


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


def wrong(words: str) -> None:
    """Something that the link asks for and this race does not have."""
    st.session_state[WRONG] = [*st.session_state.get(WRONG, []), words]


def change(**made: Any) -> None:
    """Set some settings by hand, all at once; what the link got wrong has then been seen."""
    settings().update(made)
    st.session_state[WRONG] = []


def widget_of(name: str) -> str:
    """The name of a setting's widget, which no other page has: the Layers page has a q too."""
    if name == "source":
        return "numbers_from"
    return f"filter_{name}" if name in FREE else f"recorded_{name}"


def hear() -> None:
    """Take over what a hand has made of the widgets since they were drawn."""
    kept, drawn = settings(), st.session_state.setdefault(DRAWN, {})
    for name, was in list(drawn.items()):
        now = widgets.value(widget_of(name), widgets.ABSENT)
        if now is widgets.ABSENT or now == was.value or kept[name] != was.setting:
            continue  # not shown, not moved, or set by the page since
        kept[name] = "" if now == was.default else now
        drawn[name] = replace(was, setting=kept[name], value=now)
        if name in FORGET:
            kept["channel"] = ""
        st.session_state[WRONG] = []


def draw(
    kind: Callable[..., Any], name: str, label: str, *args: Any,
    value: Any, default: Any = widgets.ABSENT, called: Sequence[str] = (), **more: Any,
) -> None:  # fmt: skip
    """Draw the widget of a setting.

    Args:
        kind: st.selectbox, st.slider ...
        name: of the setting.
        label: above the widget.
        args, more: what else the widget takes.
        value: what the page makes of the setting, which the widget is to show.
        default: the value that leaves the setting open, "".
        called: what the options are called, where it is not always the same.
    """
    drawn, setting = st.session_state.setdefault(DRAWN, {}), settings()[name]
    key, was = widget_of(name), drawn.get(name)
    gone = widgets.value(key, widgets.ABSENT) is widgets.ABSENT  # the browser may not know it
    if was is not None and gone:
        widgets.begin_anew(key)
    widgets.reword(key, called)
    widgets.order(key, value)
    drawn[name] = Drawn(setting, value, default)
    widgets.widget(kind, key, label, *args, **more)
