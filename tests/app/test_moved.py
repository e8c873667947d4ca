"""Settings that move while the page is still busy with the one before: nothing is lost."""

import pytest
import streamlit as st

from app import forms, watch
from app.moved import moved
from tests.app.reading import turned


def start(page, supervisor):
    page.button(key="start").click().run()
    assert not page.exception
    supervisor.mark(page.query_params["run"][-1], "running")
    return page.run()


def interrupted_once(monkeypatch, where, name):
    """The next call of that function is cut short, as by a click that comes meanwhile."""
    whole, cut = getattr(where, name), []

    def cut_short(*args):
        if not cut:
            cut.append(True)
            st.rerun()
        return whole(*args)

    monkeypatch.setattr(where, name, cut_short)
    return cut


def test_a_name_that_is_new_has_not_moved():
    assert moved({"lr": 0.1, "batch": 64, "new": 1}, {"lr": 0.2, "batch": 64}) == ("lr",)


@pytest.mark.parametrize(("where", "name"), [(watch, "look"), (forms, "settle")])
def test_a_change_reaches_the_race_though_the_page_is_interrupted(
    open_page, supervisor, monkeypatch, where, name
):
    page = start(open_page("race"), supervisor)
    cut = interrupted_once(monkeypatch, where, name)
    page.number_input(key="lr").set_value(0.01).run()
    assert cut
    assert supervisor.sent[1:] == [("lr", 0.01)]
    page.run()
    assert supervisor.sent[1:] == [("lr", 0.01)]


def test_two_changes_that_come_together_both_reach_the_race(open_page, supervisor):
    page = start(open_page("race"), supervisor)
    page.number_input(key="lr").set_value(0.01)
    turned(page.select_slider, "micro_batch").set_value(8).run()
    assert set(supervisor.sent[1:]) == {("lr", 0.01), ("micro_batch", 8)}


def test_what_was_typed_just_before_start_is_started_and_not_sent_again(open_page, supervisor):
    page = open_page("race")
    page.number_input(key="epochs").set_value(7)
    page.number_input(key="lr").set_value(0.01)
    page.button(key="start").click().run()
    ((_, race, _),) = supervisor.sent
    assert (race.common.epochs, race.common.lr) == (7, 0.01)


def test_a_smaller_batch_takes_a_micro_batch_that_fits_and_sends_none(open_page, supervisor):
    page = start(open_page("race", micro_batch="32"), supervisor)
    page.select_slider(key="batch").set_value(16).run()
    assert turned(page.select_slider, "micro_batch").value == 16
    assert supervisor.sent[1:] == []
