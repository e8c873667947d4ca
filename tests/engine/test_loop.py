"""The control loop alone: a toy trainer, no process, no torch, nothing on disk."""

import time
from queue import SimpleQueue

import pytest

from bkn.engine import loop as loop_module
from bkn.engine.loop import GONE, Loop
from bkn.experiment import Race
from tests.engine.toy import Toy
from tests.patience import assert_fast

RACE = Race.of(["batch", "group"])


class Notes:
    """A sink that writes down what it hears."""

    def __init__(self):
        self.events, self.statuses, self.ends = [], [], []

    def columns(self, *_): ...
    def row(self, *_): ...

    def status(self, run, status, step, message=""):
        self.statuses.append((run, status, step))

    def event(self, step, kind, payload):
        self.events.append((step, kind, payload))

    def pause(self, step, paused):
        self.statuses.append(("all", "paused" if paused else "running", step))

    def end(self, status, message):
        self.ends.append((status, message))


class Bench:
    """A loop with its toy; messages may be sent at given steps."""

    def __init__(self, at=None, steps=20, **given):
        self.inbox, self.notes, self.saves = SimpleQueue(), Notes(), []
        at = dict(at or {})

        def on_step(toy):
            for message in at.pop(toy.step, []):
                self.inbox.put(message)

        self.toy = Toy(RACE, self.notes, steps, on_step)
        for message in at.pop(0, []):
            self.inbox.put(message)
        self.loop = Loop(
            self.toy, self.notes, self.inbox, lambda: self.saves.append(self.toy.step), **given
        )

    def run(self):
        self.loop.run()
        return self


def do(name, value=None):
    return {"do": name, "value": value}


def test_it_runs_to_the_end():
    bench = Bench().run()
    assert (bench.toy.step, bench.toy.ended) == (20, "finished")
    assert bench.notes.events == []


def test_stop_saves_and_then_ends():
    bench = Bench({7: [do("stop")]}).run()
    assert (bench.toy.step, bench.toy.ended, bench.saves) == (7, "stopped", [7])
    assert bench.notes.events == [(7, "stop", {})]


def test_a_lost_server_saves_and_leaves_the_race_resumable():
    bench = Bench({7: [GONE]}).run()
    assert (bench.toy.step, bench.toy.ended, bench.saves) == (7, "", [7])
    assert bench.notes.ends == [
        ("interrupted", "The server that ran it ended. It can be resumed from step 7.")
    ]


def test_a_pause_takes_no_step_and_a_step_takes_one():
    bench = Bench({5: [do("pause"), do("step"), do("step")], 7: [do("stop")]}).run()
    assert bench.toy.step == 7
    assert bench.toy.recorded == [6, 7]
    assert bench.saves == [5, 7]
    assert [(step, kind) for step, kind, _ in bench.notes.events] == [
        (5, "pause"), (5, "step"), (6, "step"), (7, "stop"),
    ]  # fmt: skip


def test_a_step_while_running_pauses_after_it():
    bench = Bench({5: [do("step")], 6: [GONE]}).run()
    assert bench.toy.step == 6
    assert bench.toy.recorded == [6]
    assert ("all", "paused", 5) in bench.notes.statuses


def test_resume_goes_on():
    bench = Bench({5: [do("pause"), do("resume")]}).run()
    assert bench.toy.ended == "finished"
    assert bench.notes.statuses.index(("all", "paused", 5)) < bench.notes.statuses.index(
        ("all", "running", 5)
    )


def test_a_race_may_start_paused():
    bench = Bench({0: [do("step")], 1: [do("resume")]}, paused=True).run()
    assert bench.toy.recorded == [1]
    assert bench.toy.ended == "finished"


def test_changes_reach_the_trainer_and_refusals_are_told():
    bench = Bench({3: [do("lr", 0.2)], 4: [do("lr", -1), do("speed", -1)]}).run()
    assert bench.toy.lr == 0.2
    assert bench.toy.ended == "finished"
    assert bench.notes.events == [
        (3, "lr", {"value": 0.2}),
        (4, "refused", {"command": "lr", "value": -1, "message": "lr must not be -1"}),
        (4, "refused", {
            "command": "speed",
            "value": -1,
            "message": "speed must be a number of steps per second in (0, 1e+06], "
            "or None for no limit; got -1",
        }),
    ]  # fmt: skip


def test_the_speed_limit_holds():
    began = time.monotonic()
    bench = Bench(steps=6, speed=50.0).run()
    seconds = time.monotonic() - began
    assert seconds >= 0.1  # the first step needs no waiting
    assert_fast("six steps, fifty a second", seconds, 1.0)
    assert bench.toy.ended == "finished"


@pytest.mark.parametrize("lifted", [1000.0, None])
def test_a_lifted_limit_and_a_stop_do_not_wait_for_the_next_step(lifted):
    began = time.monotonic()
    bench = Bench({1: [do("speed", lifted)]}, speed=0.01).run()
    assert bench.toy.ended == "finished"
    Bench({1: [do("stop")]}, speed=0.01).run()
    assert time.monotonic() - began < 50.0  # one step more is due after 100 s


@pytest.mark.parametrize(("cost", "fewest", "most"), [(0.0, 15, 20), (1000.0, 1, 1)])
def test_checkpoints_come_by_the_clock_and_take_little_time(monkeypatch, cost, fewest, most):
    clock = iter(range(10**6))
    monkeypatch.setattr(loop_module, "SAVE_FIRST", 0.5)
    monkeypatch.setattr(loop_module, "SAVE_EVERY", 0.5)
    monkeypatch.setattr(loop_module, "SAVE_COST", 1.0 if not cost else 1 / cost)
    monkeypatch.setattr(loop_module.time, "monotonic", lambda: float(next(clock)))
    bench = Bench().run()
    assert fewest <= len(bench.saves) <= most


def test_a_change_by_hand_is_soon_saved(monkeypatch):
    monkeypatch.setattr(loop_module, "SAVE_AFTER_CHANGE", 0.0)
    bench = Bench({3: [do("lr", 0.2)]}).run()
    assert bench.saves == [4]
