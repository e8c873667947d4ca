"""What the Claims page looks at: seeded from its link, then held by the session.

The session knows it best: a refresh that was already on its way brings an old address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from app import forms
from app.claims import link
from app.claims.plan import Plans
from app.claims.standing import Standing, Standings
from app.lab import lab
from bkn.claims import CLAIMS, recorded

ASKED = "_claims"  # key of what is looked at
WRONG = "_claims_link"  # key of what the link got wrong
PICKS = {"verdict_filter": "verdicts", "topic_filter": "topics"}  # widget: field of Asked


@st.cache_resource(show_spinner=False)
def standings() -> Standings:
    """This server's look at all claims."""
    return Standings(lab().supervisor.reader, CLAIMS, recorded.read())


@st.cache_resource(show_spinner=False)
def plans() -> Plans:
    """This server's estimates."""
    return Plans(CLAIMS, recorded.read())


@st.cache_resource(show_spinner=False)
def owners() -> dict[str, str]:
    """Which visitor started a sweep, as far as this server knows."""
    return {}


def enter(url: Mapping[str, Sequence[str]]) -> None:
    """Fill the session from the link at the first visit; keep other pages' settings."""
    state = st.session_state
    forms.hold()
    if ASKED not in state:
        state[ASKED], state[WRONG] = link.read(url, CLAIMS)
    asked = state[ASKED]
    for key, field in PICKS.items():
        state.setdefault(key, list(getattr(asked, field)))
    state.setdefault("protocol", asked.protocol)


def asked() -> link.Asked:
    """What is looked at, after the widgets were moved."""
    state = st.session_state
    now: link.Asked = replace(
        state[ASKED],
        protocol=state.get("protocol") or link.PROTOCOLS[0],
        **{field: tuple(state.get(key) or ()) for key, field in PICKS.items()},
    )
    state[ASKED] = now
    return now


def choose(key: str) -> None:
    """Open a claim; "" closes it."""
    st.session_state[ASKED] = replace(st.session_state[ASKED], claim=key)
    heard()


def heard(*_: Any) -> None:
    """What the link got wrong has been seen."""
    st.session_state[WRONG] = []


def passing(found: Mapping[str, Standing], now: link.Asked) -> list[Standing]:
    """The claims that pass both filters, in their order."""
    verdicts = {link.VERDICTS[name] for name in now.verdicts}
    return [
        one
        for one in found.values()
        if (not verdicts or one.verdict in verdicts)
        and (not now.topics or one.claim.topic in now.topics)
    ]


def leave(now: link.Asked) -> None:
    """Write what is looked at into the address."""
    found = link.write(now)
    if found != {name: st.query_params.get_all(name) for name in st.query_params}:
        st.query_params.from_dict(found)
