"""A diagnosis between two steps of the control loop: the race waits, and stop ends it."""

import pytest

from bkn.engine.commands import decode, encode, message_for
from bkn.engine.loop import GONE
from tests.engine.test_loop import RACE, Bench, do

DIAGNOSE = do("diagnose", {"run": 0})


def kinds(bench):
    return [(step, kind) for step, kind, _ in bench.notes.events]


def saying(bench, *messages):
    """The bench, whose diagnosis hears these messages before its second pass."""
    passes = []

    def on_pass(toy):
        passes.append(toy.step)
        if len(passes) == 2:
            for message in messages:
                bench.inbox.put(message)

    bench.toy.on_pass, bench.passes = on_pass, passes
    return bench


def test_it_is_made_between_steps_and_the_race_goes_on():
    bench = saying(Bench({5: [DIAGNOSE]})).run()
    assert (bench.toy.step, bench.toy.ended) == (20, "finished")
    assert kinds(bench) == [(5, "diagnose"), (5, "diagnosis")]
    assert bench.notes.events[0][2] == {"value": {"run": 0}}
    assert bench.passes == [5, 5, 5]


def test_it_is_made_while_paused():
    bench = saying(Bench({5: [do("pause"), DIAGNOSE]}), do("resume")).run()
    assert kinds(bench) == [(5, "pause"), (5, "diagnose"), (5, "diagnosis"), (5, "resume")]
    assert bench.toy.ended == "finished"


@pytest.mark.parametrize(("message", "ended"), [(do("stop"), "stopped"), (GONE, "")])
def test_the_end_of_the_race_ends_it_at_the_next_pass(message, ended):
    bench = saying(Bench({5: [DIAGNOSE]}), message).run()
    assert bench.passes == [5, 5]
    assert (bench.toy.step, bench.toy.ended, bench.saves) == (5, ended, [5])
    assert "diagnosis" not in {kind for _, kind in kinds(bench)}
    refused = next(told for _, kind, told in bench.notes.events if kind == "refused")
    assert refused["message"] == "the race was ended"


def test_what_else_is_said_meanwhile_waits_and_is_done_in_order():
    bench = saying(Bench({5: [DIAGNOSE]}), do("lr", 0.2), do("pause"), do("step"), GONE).run()
    assert bench.passes == [5, 5]  # the server is gone: no third pass
    assert kinds(bench) == [(5, "diagnose"), (5, "refused"), (5, "lr"), (5, "pause"), (5, "step")]
    assert (bench.toy.step, bench.toy.lr, bench.toy.recorded) == (6, 0.2, [6])


def test_of_several_none_begins_once_the_race_is_to_end():
    bench = saying(Bench({5: [DIAGNOSE, DIAGNOSE]}), DIAGNOSE, do("stop")).run()
    assert kinds(bench) == [(5, "diagnose"), *[(5, "refused")] * 3, (5, "stop")]
    assert bench.passes == [5, 5]


def test_commands_that_end_nothing_let_it_finish():
    bench = saying(Bench({5: [DIAGNOSE]}), do("lr", 0.2), do("lr", 0.3)).run()
    assert bench.passes == [5, 5, 5]
    assert kinds(bench) == [(5, "diagnose"), (5, "diagnosis"), (5, "lr"), (5, "lr")]
    assert (bench.toy.lr, bench.toy.ended) == (0.3, "finished")


def test_a_refusal_is_told():
    bench = Bench({5: [do("diagnose", {"run": 7})]}).run()
    assert kinds(bench) == [(5, "diagnose"), (5, "refused")]
    assert bench.toy.ended == "finished"


@pytest.mark.parametrize("run", [0, 1, 1.0, "1"])
def test_the_message_holds_the_position(run):
    message = message_for(RACE, "diagnose", {"value": {"run": run}})
    assert message == {"do": "diagnose", "value": {"run": int(run)}}
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"run": 2}, r"run must be the position of an entrant, a whole number in \[0, 1\], got 2"),
        ({"run": -1}, "got -1"),
        ({"run": 0.5}, "got 0.5"),
        ({"run": "first"}, "got 'first'"),
        ({"run": True}, "got True"),
        ({}, r'diagnose takes \{"run": position of the entrant\}, got \{\}'),
        ({"run": 0, "metric": "x"}, "diagnose takes"),
        (0, "diagnose takes .* got 0"),
    ],
    ids=["beyond", "below", "between", "word", "truth", "nothing", "too much", "bare"],
)
def test_wrong_positions_are_refused_in_words(value, words):
    with pytest.raises(ValueError, match=words):
        message_for(RACE, "diagnose", {"value": value})
    with pytest.raises(ValueError, match="diagnose takes a value"):
        message_for(RACE, "diagnose", {})
