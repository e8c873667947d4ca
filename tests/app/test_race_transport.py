"""The Race page's buttons without a browser: what a click commands, and what comes of it."""

from dataclasses import replace
from threading import Timer

import pytest

from app import forms, watch
from app import lab as lab_module
from tests.app.reading import click, link, open_page, said, turned


def test_the_transport_row_commands_the_race(page, supervisor):
    open_page(page)
    click(page, "start")
    race_id = link(page, "run")
    supervisor.mark(race_id, "running")
    page.run()
    assert page.button(key="start").label == "Restart"
    assert page.button(key="step").disabled
    click(page, "pause")
    assert supervisor.sent[-1] == ("pause",)
    assert page.button(key="go_on").label == "Resume"  # at once, not with the next refresh
    click(page, "step")
    click(page, "go_on")
    assert supervisor.sent[-2:] == [("step",), ("resume",)]
    click(page, "stop")
    assert supervisor.sent[-1] == ("stop",)


def test_reset_ends_the_race_and_shows_the_recorded_one(page, supervisor):
    open_page(page)
    click(page, "start")
    supervisor.mark(link(page, "run"), "running")
    page.run()
    assert "Restart and Reset end this race" in " ".join(
        html.proto.body for html in page.get("html")
    )
    click(page, "reset")
    assert supervisor.sent[-1] == ("stop",)
    assert link(page, "run") is None


def test_step_before_start_takes_one_step_of_a_paused_race(page, supervisor):
    open_page(page)
    click(page, "step")
    assert [entry[0] for entry in supervisor.sent] == ["start paused", "step"]


def test_settings_that_act_at_once_are_sent_to_the_running_race(page, supervisor):
    open_page(page, methods="batch,kalman")
    click(page, "start")
    supervisor.mark(link(page, "run"), "running")
    page.run()
    page.number_input(key="lr").set_value(0.01).run()
    turned(page.select_slider, "micro_batch").set_value(8).run()
    page.select_slider(key="kalman_gain").set_value(0.5).run()
    page.selectbox(key="speed").select(5).run()
    sent = supervisor.sent[1:]
    assert sent == [("lr", 0.01), ("micro_batch", 8), ("gain", 0.5), ("speed", 5.0)]
    assert "next Start" not in said(page)
    page.number_input(key="epochs").set_value(2).run()
    assert supervisor.sent[1:] == sent
    assert "apply at the next Start" in said(page)


def test_a_refusal_is_said_and_gone_with_the_next_click(page, supervisor):
    open_page(page)
    supervisor.refusal = "two races run already"
    click(page, "start")
    assert "two races run already" in said(page)
    supervisor.refusal = ""
    click(page, "start")
    assert "two races" not in said(page)


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        ("interrupted", "the worker was killed", "the worker was killed"),
        ("failed", "no memory left", "no memory left"),
        ("diverged", "the training loss was 1e9 nats at step 5", "lower peak learning rate"),
    ],
)
def test_what_went_wrong_is_said_in_words(page, supervisor, status, message, words):
    open_page(page)
    click(page, "start")
    supervisor.mark(link(page, "run"), status, 5, message)
    page.run()
    assert not page.exception
    assert message in said(page)
    assert words in said(page)


def test_an_interrupted_race_can_be_resumed(page, supervisor):
    open_page(page)
    click(page, "start")
    race_id = link(page, "run")
    supervisor.mark(race_id, "interrupted")
    page.run()
    click(page, "resume")
    assert supervisor.sent[-1] == ("resume",)


def test_a_race_that_is_over_can_only_be_started_anew(page, supervisor):
    open_page(page)
    click(page, "start")
    supervisor.mark(link(page, "run"), "finished", 210)
    page.run()
    assert page.button(key="start").label == "Start"
    disabled = {key: page.button(key=key).disabled for key in ("pause", "step", "stop", "reset")}
    assert disabled == {"pause": True, "step": False, "stop": True, "reset": False}
    race_id = link(page, "run")
    click(page, "start")
    assert link(page, "run") != race_id
    assert ("stop",) not in supervisor.sent


def test_a_stopped_race_goes_on_from_its_checkpoint(page, supervisor):
    open_page(page)
    click(page, "start")
    supervisor.mark(link(page, "run"), "stopped")
    page.run()
    assert page.button(key="go_on").label == "Resume"
    click(page, "go_on")
    assert supervisor.sent[-1] == ("resume",)


def test_a_click_waits_until_the_worker_has_done_it(page, supervisor, monkeypatch):
    open_page(page)
    click(page, "start")
    race_id = link(page, "run")
    supervisor.mark(race_id, "running")
    page.run()
    later = Timer(0.1, supervisor.mark, (race_id, "paused"))
    monkeypatch.setattr(supervisor, "send", lambda *args, **values: later.start())
    click(page, "pause")
    assert page.button(key="go_on").label == "Resume"
    later.join()


def test_a_race_that_pauses_or_runs_is_not_told_so_again(page, supervisor):
    open_page(page)
    click(page, "start")
    race_id = link(page, "run")
    for command in ("pause", "pause", "resume", "resume", "step", "step"):
        lab_module.lab().tell(race_id, command)
    sent = [command for command, *_ in supervisor.sent]
    assert sent == ["start", "pause", "resume", "step", "step"]


def test_a_click_on_start_that_comes_twice_starts_one_race(page, supervisor):
    open_page(page)
    click(page, "start")
    race_id = link(page, "run")
    click(page, "start")
    assert [sent[0] for sent in supervisor.sent] == ["start"]
    assert link(page, "run") == race_id
    page.number_input(key="lr").set_value(0.1).run()
    click(page, "start")  # for another race it is no repetition
    assert [sent[0] for sent in supervisor.sent if sent[0] != "lr"] == ["start", "stop", "start"]


def test_a_page_that_is_being_drawn_is_not_begun_anew(page, monkeypatch):
    """A browser that has not shown the widgets yet would lose the values that were set for them."""
    drawn, looked, look = [], [], watch.look_at_recorded
    sidebar = forms.sidebar
    monkeypatch.setattr(forms, "sidebar", lambda: (drawn.append(1), sidebar()))

    def playing_ends_while_it_is_drawn(watched):
        looked.append(1)
        return replace(look(watched), tick=0.4 if len(looked) == 1 else None)

    monkeypatch.setattr(watch, "look_at_recorded", playing_ends_while_it_is_drawn)
    open_page(page, batch="32")
    assert len(looked) >= 2
    assert len(drawn) == 1
    assert page.select_slider(key="batch").value == 32
