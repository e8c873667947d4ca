"""Two pages have settings under the same keys; each finds its own again when it is opened.

Widgets keep their stable keys, and what is set for a sweep does not change the next race.
"""

import streamlit as st

from app import address
from app.batch_size import link
from app.widgets import key, order, value

RACE, BATCH_SIZE = "race", "batch_size"
NAMES = {  # page: keys of its settings
    RACE: (*address.DEFAULTS, *address.OPTIONS),
    BATCH_SIZE: (*link.DEFAULTS, *address.OPTIONS),
}
OWNER = "_owner"  # key of the page whose settings the session holds now
KEPT = "_kept"  # key of the others'


def take(page: str) -> bool:
    """From now on the session's settings are this page's; returns whether they were another's."""
    state = st.session_state
    owner = state.get(OWNER, RACE)
    if owner == page:
        return False
    kept = state.setdefault(KEPT, {})
    kept[owner] = {name: value(name) for name in NAMES[owner] if key(name) in state}
    mine = kept.get(page, {})
    for name in {*NAMES[owner], *NAMES[page]}:
        state.pop(key(name), None)  # else Streamlit keeps the value for the other page's widget
        if name in mine:
            order(name, mine[name])
    state[OWNER] = page
    return True
