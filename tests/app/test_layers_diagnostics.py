"""Diagnostics on the Layers page: the entrants of a race are measured one after the other."""

import pytest

from app.lab import lab
from bkn.store.writer import Writer
from tests.app.layers_page import open_page, said
from tests.app.network_maps import convnet
from tests.app.reading import sent
from tests.app.snapshots import write_race
from tests.app.test_figures_diagnostics import report


@pytest.fixture
def page(home, supervisor):
    """The page of a running race of two methods."""
    write_race(home, convnet(), ("batch", "kalman"), steps=(0, 30), status="running")
    found = open_page(home)
    supervisor.sent.clear()
    return found


def happens(supervisor, kind, **payload):
    """Play the worker: write an event."""
    with Writer(supervisor.path) as writer, writer.transaction():
        writer.add_event("synthetic", 30, 1.0, kind, payload)


def test_every_entrant_is_measured_in_turn_and_drawn(page, supervisor):
    page.button(key="measure_now").click().run()
    assert supervisor.sent == [("diagnose", {"run": 0})]
    assert "1 of 2; the race waits" in said(page)
    happens(supervisor, "diagnose", value={"run": 0})
    page.run()
    assert len(supervisor.sent) == 1
    happens(supervisor, "diagnosis", **report(0))
    page.run()
    assert supervisor.sent[1:] == [("diagnose", {"run": 1})]
    assert "2 of 2; the race waits" in said(page)
    happens(supervisor, "diagnosis", **report(1))
    page.run()
    assert len(supervisor.sent) == 2
    assert not page.button(key="measure_now").disabled
    assert {"fig_profile", "fig_signs", "fig_downhill"} <= set(sent(page))
    assert "a learning rate above" in said(page)


def test_a_cancel_asks_for_nothing_more(page, supervisor):
    page.button(key="measure_now").click().run()
    page.button(key="measure_cancel").click().run()
    happens(supervisor, "diagnosis", **report(0))
    page.run()
    assert len(supervisor.sent) == 1


def test_a_refusal_is_said_in_words(page, supervisor):
    page.button(key="measure_now").click().run()
    happens(supervisor, "refused", command="diagnose", message="the race was ended")
    page.run()
    assert "Not measured: the race was ended." in said(page)
    supervisor.refusal = "the worker is gone"
    page.button(key="measure_now").click().run()
    assert "the worker is gone" in said(page)


def test_a_race_that_is_over_cannot_be_measured(page, supervisor):
    page.button(key="measure_now").click().run()
    supervisor.mark("synthetic", "stopped")
    page.run()
    assert page.button(key="measure_now").disabled
    assert "Only a race that runs or is paused" in said(page)


def test_another_visitors_race_cannot_be_measured(page):
    lab().watch("synthetic").owner = "somebody"
    page.run()
    assert page.button(key="measure_now").disabled
    assert "Another visitor" in said(page)
