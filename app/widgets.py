"""Widgets of settings: what they show, what a hand makes of them, and what the app orders them to.

A browser hears of a value that was set in the session only once, in the run that has set it. It
may miss that: Streamlit throws away what a run has said when the next begins before it was sent,
and a slow browser draws only the last of several. The widget then goes on showing its old value
and sends that back, and nothing tells it from a move by hand. So

- a widget begins with the value that its setting has, however often it is drawn;
- what the app orders (`order`) is another widget to Streamlit, of the next *turn*, which begins
  with the ordered value. What the browser still says of the old one concerns nobody;
- nothing is ordered that is so already: each order on its way would undo a move by hand.

In the first turn a widget's key is its setting's name; `value` reads a setting in any turn.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

TURNS = "_turns"  # key of the turn of every widget that the app has ordered about
SHOWN = "_shown"  # key of what the widgets that follow a value showed last
WORDS = "_words"  # key of what the options of widgets were called last
ABSENT = object()


def key(name: str) -> str:
    """Key of a setting's widget in its present turn."""
    return in_turn(name, turn(name))


def turn(name: str) -> int:
    """How often the app has ordered about a setting's widget."""
    turns: dict[str, int] = st.session_state.get(TURNS, {})
    return turns.get(name, 0)


def in_turn(name: str, turn: int) -> str:
    """Key of a setting's widget in some turn."""
    return f"{name}~{turn}" if turn else name


def value(name: str, default: Any = None) -> Any:
    """The value of a setting: what its widget shows, or will show."""
    return st.session_state.get(key(name), default)


def order(name: str, value: Any) -> None:
    """Set a setting whose widget a browser may already show."""
    state, shown = st.session_state, key(name)
    if shown not in state:
        state[shown] = value
    elif state[shown] != value:
        state[in_turn(name, turn(name) + 1)] = value
        begin_anew(name)


def begin_anew(name: str) -> None:
    """The next turn: forget a setting's value, so that its widget begins with its default.

    Streamlit may interrupt wherever the session is touched; one touch makes the difference.
    """
    state, before = st.session_state, key(name)
    state[TURNS] = {**state.get(TURNS, {}), name: turn(name) + 1}
    state.pop(before, None)


def settle(name: str, options: Iterable[Any]) -> None:
    """Forget a choice that is none of the options any more."""
    if value(name, ABSENT) not in (ABSENT, *options):
        begin_anew(name)


def reword(name: str, words: Sequence[str]) -> None:
    """Forget a choice whose options are called otherwise than at the last draw.

    A browser knows an option by its words alone: what it still says of the old ones would pass for
    another choice.
    """
    said = st.session_state.setdefault(WORDS, {})
    if said.get(name, words) != words:
        begin_anew(name)
    said[name] = words


def follow(name: str, value: Any) -> Any:
    """Bring a value that lives elsewhere into its widget.

    Call it before the widget is drawn.

    Args:
        name: of the setting.
        value: what it is, as far as the app knows.

    Returns:
        The same, or what a hand has made of it since the widget was shown.
    """
    shown = st.session_state.setdefault(SHOWN, {})
    now = st.session_state.get(key(name), ABSENT)
    if now is not ABSENT and shown.get(name, ABSENT) == value != now:
        return now  # again and again, until whoever asks has kept it
    order(name, value)
    shown[name] = value
    return value


def hold(names: Iterable[str]) -> None:
    """Keep settings while their widgets are not drawn: Streamlit would forget them."""
    for name in map(key, names):
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]


def widget(kind: Callable[..., Any], name: str, label: str, *args: Any, **more: Any) -> Any:
    """Draw the widget of a setting; returns its value.

    Args:
        kind: st.selectbox, st.number_input ...
        name: of the setting.
        label: above it.
        args, more: what else the widget takes.
    """
    return kind(label, *args, key=key(name), **{**more, **begins(kind, name, args)})


def begins(kind: Callable[..., Any], name: str, args: tuple[Any, ...]) -> Mapping[str, Any]:
    """What makes a widget begin with the value that its setting has."""
    now = value(name, ABSENT)
    if now is ABSENT:
        return {}
    if kind is st.selectbox:
        options = list(args[0])
        return {"index": options.index(now)} if now in options else {}
    if kind in (st.multiselect, st.pills):
        return {"default": [one for one in now if one in args[0]]}
    if kind is st.segmented_control:
        return {"default": now} if now in args[0] else {}
    return {"value": now}


def explain() -> bool:
    """The switch whether the figures explain themselves, which a link may have set to "off"."""
    state = st.session_state
    if not isinstance(state.get("explain"), bool):
        state["explain"] = state.get("explain") != "off"
    return bool(widget(st.toggle, "explain", "Explain"))
