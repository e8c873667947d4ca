"""Slowness of the machine excuses a slow thing, but not any slow thing."""

import pytest

from tests import patience
from tests.patience import assert_fast, seconds_until, until


@pytest.fixture
def machine(monkeypatch):
    """Sets how slow the machine is; `None`: nobody may ask."""

    def set_to(slow):
        asked = pytest.fail if slow is None else lambda words: slow
        monkeypatch.setattr(patience, "slowness", lambda: asked("asked how slow the machine is"))

    return set_to


def test_what_keeps_its_limit_is_not_judged_by_the_machine(machine):
    machine(None)
    assert assert_fast("a click", 0.9, 1.0) == "a click: 0.90 s (limit 1 s)"


@pytest.mark.parametrize(("slow", "seconds"), [(1.0, 2.9), (4.0, 11.9)])
def test_a_slow_machine_excuses_what_it_explains(machine, slow, seconds):
    machine(slow)
    assert f"{seconds:.2f} s (limit 1 s; {3 * slow:.1f} s on" in assert_fast("a", seconds, 1.0)


@pytest.mark.parametrize(("slow", "seconds"), [(1.0, 3.1), (4.0, 12.1)])
def test_and_no_more(machine, slow, seconds):
    machine(slow)
    with pytest.raises(AssertionError, match=f"a click: {seconds:.2f} s"):
        assert_fast("a click", seconds, 1.0)


def test_a_minute_is_too_long_on_any_machine(machine):
    machine(20.0)
    assert assert_fast("the news", 49.0, 5.0, most=50.0)
    with pytest.raises(AssertionError, match=r"the news: 60\.00 s"):
        assert_fast("the news", 60.0, 5.0, most=50.0)


def test_a_wait_returns_what_it_waited_for_and_ends_in_words(monkeypatch):
    answers = iter([0, "", "here"])
    assert until(lambda: next(answers)) == "here"
    assert 0 <= seconds_until(lambda: True, "nothing") < patience.PATIENCE
    monkeypatch.setattr(patience, "PATIENCE", 0.05)
    with pytest.raises(AssertionError, match=r"waited 0\.05 s in vain for the moon"):
        until(lambda: False, "the moon")


def test_the_yardstick_is_at_least_one(monkeypatch):
    monkeypatch.setattr(patience, "TORCH", "pass")
    monkeypatch.setattr(patience, "QUIET", 3600.0)
    assert patience.slowness() == 1.0
    monkeypatch.setattr(patience, "QUIET", 1e-6)
    assert patience.slowness() > 1000
