"""What goes wrong is said in words, and the page stays usable."""

import os
import signal

import pytest

from tests.browser.driving import (
    alive,
    measured,
    press,
    race_id,
    step,
    wait_said,
    wait_status,
)
from tests.patience import assert_fast, seconds_until, until


def test_a_killed_worker_is_said_within_five_seconds_and_the_race_resumes(server, visit):
    page = visit(f"{server.url}/?epochs=1000&methods=batch")
    press(page, "start")
    wait_status(page, "running")
    found = race_id(page)
    until(lambda: server.reader.race(found).checkpoint, "a checkpoint")
    os.kill(server.reader.race(found).pid, signal.SIGKILL)
    news = page.get_by_text("The race was interrupted at step")
    seconds = seconds_until(news.count, "the news")
    measured(assert_fast("kill -9 of the worker to words on the page", seconds, 5, most=50))
    checkpoint = server.reader.race(found).checkpoint
    press(page, "resume")
    wait_status(page, "running")
    until(lambda: step(page) > checkpoint, "the race to go on")
    assert race_id(page) == found


def test_a_diverging_learning_rate_is_said_in_words(server, visit):
    page = visit(f"{server.url}/?lr=100000&methods=none,batch&epochs=2")
    press(page, "start")
    wait_said(page, "A lower peak learning rate keeps it finite")
    assert not page.locator(".stException").count()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("batch=64&micro_batch=3", "micro_batch must divide batch=64, got 3"),
        ("methods=batchh", "unknown method 'batchh'; known: none, batch"),
        ("run=nonsense", "This lab knows no race"),
        ("lr=fast", "lr must be a number"),
    ],
)
def test_a_wrong_link_is_said_in_words(server, visit, query, words):
    page = visit(f"{server.url}/?{query}")
    wait_said(page, words)
    assert not page.locator(".stException").count()
    page.locator(".st-key-fig_loss path.js-line").first.wait_for()


def test_a_stopped_server_leaves_no_worker_behind(own_server, visit):
    page = visit(f"{own_server.url}/?epochs=1000&methods=batch")
    press(page, "start")
    wait_status(page, "running")
    pids = own_server.worker_pids()
    assert pids
    own_server.process.kill()  # no goodbye: the pipe to the workers breaks
    seconds = seconds_until(lambda: not any(map(alive, pids)), "the workers to end")
    own_server.process.wait()
    measured(assert_fast("kill -9 of the server to no worker left", seconds, 3, most=50))
    page.close()
