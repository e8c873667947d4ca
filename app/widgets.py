"""Widgets of settings: the value of each is in the session, under the widget's key.

Streamlit tells a browser a value that was set this way only once, in the run that has set it. A
browser that is slow, and shows the widget only after the next run, would begin with the widget's
own default instead and send that back as if a hand had moved it. So the value is the default too.

Nor is a value set anew at every refresh: each would be an order to the browser, and one that is on
its way when a hand moves the widget would undo the move.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st


def widget(kind: Callable[..., Any], name: str, label: str, *args: Any, **more: Any) -> Any:
    """Draw the widget of a setting; returns its value.

    Args:
        kind: st.selectbox, st.number_input ...
        name: of the setting, and key of the widget.
        label: above it.
        args, more: what else the widget takes.
    """
    return kind(label, *args, key=name, **begins(kind, name, args), **more)


def begins(kind: Callable[..., Any], name: str, args: tuple[Any, ...]) -> Mapping[str, Any]:
    """What makes a widget begin with the value that its setting has."""
    if name not in st.session_state:
        return {}
    value = st.session_state[name]
    if kind is st.selectbox:
        options = list(args[0])
        return {"index": options.index(value)} if value in options else {}
    if kind in (st.multiselect, st.pills):
        return {"default": [one for one in value if one in args[0]]}
    if kind is st.segmented_control:
        return {"default": value} if value in args[0] else {}
    return {"value": value}


def explain() -> bool:
    """The switch whether the figures explain themselves, which a link may have set to "off"."""
    state = st.session_state
    if not isinstance(state.get("explain"), bool):
        state["explain"] = state.get("explain") != "off"
    return bool(widget(st.toggle, "explain", "Explain"))
