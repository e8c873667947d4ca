"""The sign of life of a page that refreshes by itself; a browser's part is in tests/browser."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from app import pulse


def refreshed():
    """A page that counts how often the whole of it, and its refreshing part, were drawn."""
    import streamlit as st

    from app import watch

    state = st.session_state
    state["whole"] = state.get("whole", 0) + 1

    def part():
        state["part"] = state.get("part", 0) + 1

    watch.refreshing(part, state.get("tick"))


def signs(page):
    """What the browser is told: the seconds it waits for the next refresh, and when."""
    (component,) = page.get("bidi_component")
    return json.loads(component.proto.json)


@pytest.mark.parametrize(("tick", "patience"), [(0.4, 8.0), (2.0, 10.0), (None, 0.0)])
def test_the_browser_knows_how_long_to_wait(tick, patience):
    page = AppTest.from_function(refreshed)
    page.session_state["tick"] = tick
    assert signs(page.run())["patience"] == patience


def test_every_refresh_is_a_sign_and_a_page_at_rest_gives_none():
    page = AppTest.from_function(refreshed)
    page.session_state["tick"] = 0.4
    assert signs(page.run())["at"] < signs(page.run())["at"]
    page.session_state["tick"] = None
    assert signs(page.run()) == signs(page.run())


def test_where_refreshes_stay_away_the_whole_page_is_drawn_anew():
    page = AppTest.from_function(refreshed)
    page.session_state["tick"] = 0.4
    page.run()
    page.session_state[pulse.SILENT] = True
    page.run()
    assert page.session_state["whole"] == 3
    assert page.session_state["part"] == 2
    page.run()
    assert page.session_state["whole"] == 4, "once"
