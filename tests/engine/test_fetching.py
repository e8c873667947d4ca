"""Fetching a dataset as the server sees it: one at a time, cancelled at will, failures in words."""

import sys

import pytest

from bkn.engine import following
from bkn.engine.fetching import Fetched, Fetching
from tests.patience import until

SAY = "import json, sys, time; say = lambda **w: print(json.dumps(w), flush=True); "
HALF = "say(fetching='svhn', what='downloading', done=50, total=100, who=''); "


@pytest.fixture
def fetching(tmp_path, monkeypatch):
    """Fetching whose process runs the given code instead."""
    found = Fetching(tmp_path)
    popen, commands = following.subprocess.Popen, []

    def playing(code):
        def play(command, **more):
            commands.append(command[1:])
            return popen([sys.executable, "-c", SAY + code], **more)

        monkeypatch.setattr(following.subprocess, "Popen", play)
        found.commands = commands
        return found

    yield playing
    found.cancel()


def over(now):
    until(lambda: not now.progress.running, "the process to end")
    return now.progress


def test_it_is_followed_and_only_one_runs_until_it_is_cancelled(fetching):
    now = fetching(HALF + "sys.stdin.read()")
    now.start("svhn")
    until(lambda: now.progress.what, "its first line")
    assert now.progress == Fetched(True, "svhn", "downloading", 50, 100)
    assert now.commands == [["-m", "bkn", "data", "--lines", "svhn"]]
    with pytest.raises(ValueError, match="another dataset is being fetched"):
        now.start("mnist")
    now.cancel()
    assert over(now) == Fetched(key="svhn")


def test_the_pace_is_told_once_there_are_two_samples(fetching):
    line = "say(fetching='svhn', what='downloading', done={}, total=100, who=''); "
    now = fetching(line.format(10) + "time.sleep(0.05); " + line.format(90) + "sys.stdin.read()")
    now.start("svhn")
    until(lambda: now.progress.done == 90, "its second line")
    assert 0 < now.progress.pace <= 80 / 0.05


def test_what_came_is_counted(fetching):
    now = fetching(HALF + "say(fetched='svhn', words='here')")
    now.start("svhn")
    assert over(now) == Fetched(key="svhn", finished=1)


def test_what_failed_is_kept_until_the_next_start(fetching):
    now = fetching("say(failed='svhn', why='could not reach it'); sys.exit(1)")
    now.start("svhn")
    assert over(now).failure == "could not reach it"
    fetching("say(fetched='mnist', words='here')").start("mnist")
    assert over(now) == Fetched(key="mnist", finished=1)


def test_a_process_that_dies_leaves_its_last_words(fetching):
    now = fetching("print('no memory'); sys.exit(9)")
    now.start("svhn")
    assert over(now).failure == "no memory"
    fetching("import os; os._exit(7)").start("svhn")
    assert over(now).failure == "its process ended with 7"
