"""One attempt at a job as a node tells it, line by line, without Ray."""

import pytest

from bkn.engine import ray_task
from bkn.engine.job_worker import ALIVE
from bkn.engine.ray_task import Ending, attempt, inventory
from bkn.home import ROOT
from tests.engine import toy_job_worker as toy

JOB = toy.job()


def lines(monkeypatch, work):
    """What an attempt says whose training is this."""
    monkeypatch.setitem(ray_task._DO, "train", work)
    said = list(attempt("train", JOB.to_json()))
    assert said[0][:2] == ("begun", [])
    return said[1:]


def test_everything_is_told_in_order_and_nothing_twice(monkeypatch):
    def work(job, say):
        assert job == JOB
        for number in range(1000):
            say([number])
        say(Ending("done", told=[["last"]]))

    said = lines(monkeypatch, work)
    assert [kind for kind, _, _ in said] == ["told"] * (len(said) - 1) + ["done"]
    assert [one for _, told, _ in said for one in told] == [*([n] for n in range(1000)), ["last"]]


def test_it_says_that_it_lives_while_it_has_nothing_to_tell(monkeypatch):
    monkeypatch.setattr(ray_task, "TELL_EVERY", 0.01)
    heard = []
    monkeypatch.setattr(ray_task, "_work", lambda do, text, say: heard.append(say))
    said = attempt("train", JOB.to_json())
    assert [next(said)[0] for _ in range(4)] == ["begun", ALIVE, ALIVE, ALIVE]
    heard[0](Ending("done"))
    assert [kind for kind, _, _ in said if kind != ALIVE] == ["done"]


def test_the_time_of_a_step_comes_with_the_last_line(monkeypatch):
    monkeypatch.setattr("bkn.training.job.time_job", lambda job: 12.5)
    assert list(attempt("time", JOB.to_json()))[-1] == ("timed", [["step_ms", 12.5]], "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("no such device"), "No such device."),
        (RuntimeError("broken"), "RuntimeError: broken."),
    ],
)
def test_what_goes_wrong_is_said_in_words(monkeypatch, error, words):
    def work(job, say):
        say(["before"])
        raise error

    said = lines(monkeypatch, work)
    assert [one for _, told, _ in said for one in told] == [["before"]]
    assert (said[-1][0], said[-1][2]) == ("failed", words)


def test_an_attempt_does_not_go_on_when_its_training_is_gone(monkeypatch):
    def work(job, say):
        raise SystemExit

    said = []
    monkeypatch.setitem(ray_task._DO, "train", work)
    with pytest.raises(SystemExit):
        ray_task._work("train", JOB.to_json(), said.append)
    assert said == [Ending("failed", "The training ended without a word.")]


def test_a_node_says_what_it_lacks(monkeypatch):
    assert inventory()["missing"] == []
    assert inventory()["code"] == str(ROOT)
    monkeypatch.setattr(ray_task, "NEEDED", ("torch", "horses"))
    assert inventory()["missing"] == ["horses"]
