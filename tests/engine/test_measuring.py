"""The measurement as the server sees it: one at a time, cancelled at will, failures in words."""

import sys

import pytest

from bkn.engine import following as module
from bkn.engine.measuring import Measuring
from tests.patience import until

SAY = "import json, sys; say = lambda **w: print(json.dumps(w), flush=True); "


@pytest.fixture
def measuring(tmp_path, monkeypatch):
    """A measurement whose process runs the given code instead."""
    found = Measuring(tmp_path)
    popen = module.subprocess.Popen

    def playing(code):
        monkeypatch.setattr(
            module.subprocess, "Popen",
            lambda command, **more: popen([sys.executable, "-c", SAY + code], **more),
        )  # fmt: skip
        return found

    yield playing
    found.cancel()


def test_it_is_followed_line_by_line_and_only_one_runs(measuring):
    now = measuring("say(measuring='b', number=2, of=3); say(measured='a'); sys.stdin.read()")
    now.start(["a", "b", "c"])
    until(lambda: now.progress.done)
    progress = now.progress
    assert (progress.running, progress.method, progress.number, progress.of) == (True, "b", 2, 3)
    with pytest.raises(ValueError, match="under way"):
        now.start(["a"])
    now.cancel()
    until(lambda: not now.progress.running)
    assert now.progress.failures == {}
    assert now.progress.done == 1


def test_a_method_that_fails_is_kept_until_the_next_start(measuring):
    now = measuring("say(measuring='a', number=1, of=1); say(failed='a', why='cold'); sys.exit(1)")
    now.start(["a"])
    until(lambda: not now.progress.running)
    assert now.progress.failures == {"a": "cold"}
    measuring("say(measured='a')").start(["a"])
    until(lambda: not now.progress.running)
    assert now.progress.failures == {}


def test_a_process_that_dies_leaves_its_last_words(measuring):
    now = measuring("say(measuring='b', number=1, of=1); print('no memory'); sys.exit(9)")
    now.start(["b"])
    until(lambda: not now.progress.running)
    assert now.progress.failures == {"b": "no memory"}
