"""Commands are checked in words before they are sent."""

import pytest

from bkn.engine.commands import check_speed, decode, encode, message_for
from bkn.experiment import Race
from bkn.live import live_options

RACE = Race.of(["batch", "kalman:gain=learned", "kalman"], batch=64, micro_batch=2)


@pytest.mark.parametrize("command", ["pause", "resume", "step", "stop"])
def test_plain_commands(command):
    assert message_for(RACE, command, {}) == {"do": command}
    with pytest.raises(ValueError, match="takes no value"):
        message_for(RACE, command, {"value": 1})


@pytest.mark.parametrize(
    ("command", "value", "sent"),
    [
        ("lr", "0.1", 0.1),
        ("lr", 1e5, 1e5),
        ("micro_batch", 16, 16),
        ("speed", 4, 4.0),
        ("speed", None, None),
        ("gain", 0.5, 0.5),
    ],
)
def test_values_travel_in_their_type(command, value, sent):
    message = message_for(RACE, command, {"value": value})
    assert message == {"do": command, "value": sent}
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("command", "value", "words"),
    [
        ("lr", -1, r"lr must be a number in \[1e-06, 1e\+06\], got -1"),
        ("lr", "nan", "lr must be a number"),
        ("micro_batch", 3, "micro_batch must divide batch=64, got 3; allowed: 1, 2, 4"),
        ("micro_batch", 2.5, "whole number"),
        ("gain", 1.5, r"option gain must be a number in \[0, 1\]"),
        ("gain", "learned", "to a number only"),
        ("speed", 0, "speed must be a number of steps per second"),
        ("speed", True, "speed must be"),
    ],
)
def test_wrong_values_are_refused_in_words(command, value, words):
    with pytest.raises(ValueError, match=words):
        message_for(RACE, command, {"value": value})


def test_unknown_commands_name_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown command 'explode'.*pause.*micro_batch, gain"):
        message_for(RACE, "explode", {})
    with pytest.raises(ValueError, match="unknown command 'gain'"):
        message_for(Race.of(["batch", "kalman:gain=learned"]), "gain", {"value": 0.5})
    with pytest.raises(ValueError, match="lr takes a value"):
        message_for(RACE, "lr", {})


def test_only_numbers_can_be_changed_live():
    assert live_options(RACE)["gain"].options["gain"] == 0.1


@pytest.mark.parametrize("line", [b"[]", b"{}", b'{"do": 3}', b"pause"])
def test_lines_that_are_no_message(line):
    with pytest.raises(ValueError, match=r"."):
        decode(line)


def test_no_speed_limit():
    assert check_speed(None) is None
