"""Which settings a hand has moved: found by comparing with those that were last acted on.

Callbacks of the widgets would not do: Streamlit silently cuts one short when the next widget
moves meanwhile, and the move would be lost.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

KNOWN = "_known"  # key of the settings as they were last acted on


def known() -> dict[str, Any]:
    """The settings that were last acted on, to be changed in place.

    Fetched once, then acting and noting it cannot be interrupted in between: Streamlit interrupts
    where the session's state is touched.
    """
    found: dict[str, Any] = st.session_state.setdefault(KNOWN, {})
    return found


def forget() -> None:
    """Nothing counts as moved: the settings come from elsewhere now."""
    st.session_state.pop(KNOWN, None)


def moved(values: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the settings whose value is another than before; a new name has not moved."""
    return tuple(name for name, now in values.items() if name in before and before[name] != now)
