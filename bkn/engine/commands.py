"""What can be said to a running race, checked in words before it is sent. Needs no torch.

A message is one line of JSON on the worker's stdin: {"do": "lr", "value": 0.1}.
"""

import json
from collections.abc import Mapping
from typing import Any

from bkn.cards import as_number
from bkn.experiment import Race
from bkn.live import check_change, check_diagnosis, live_options

PLAIN = ("pause", "resume", "step", "stop")  # take no value
FASTEST = 1e6  # steps per second


def message_for(race: Race, command: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The checked message for a command.

    Args:
        race: whom it is for.
        command: pause, resume, step, stop, speed, lr, micro_batch, diagnose or a live option.
        values: nothing for the plain ones, else {"value": ...}.

    Raises:
        ValueError: for an unknown command or a wrong value, saying what is allowed.
    """
    known = (*PLAIN, "diagnose", "speed", "lr", "micro_batch", *live_options(race))
    if command not in known:
        raise ValueError(f"unknown command {command!r} for this race; known: {', '.join(known)}")
    takes = set() if command in PLAIN else {"value"}
    if set(values) != takes:
        wants = "a value" if takes else "no value"
        raise ValueError(f"command {command} takes {wants}, got {dict(values)!r}")
    if command in PLAIN:
        return {"do": command}
    value = values["value"]
    if command == "speed":
        return {"do": command, "value": check_speed(value)}
    if command == "diagnose":
        return {"do": command, "value": check_diagnosis(race, value)}
    return {"do": command, "value": check_change(race, command, value)}


def check_speed(value: Any) -> float | None:
    """Steps per second, or None for as fast as it goes.

    Raises:
        ValueError: for anything else.
    """
    if value is None:
        return None
    speed = as_number(value)
    if speed is None or not 0 < speed <= FASTEST:
        raise ValueError(
            f"speed must be a number of steps per second in (0, {FASTEST:g}], or None for no "
            f"limit; got {value!r}"
        )
    return speed


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as the line that goes down the pipe."""
    return json.dumps(dict(message)).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The inverse of `encode`.

    Raises:
        ValueError: for a line that is no message.
    """
    message = json.loads(line)
    if not isinstance(message, dict) or not isinstance(message.get("do"), str):
        raise ValueError(f'a command must read {{"do": name, ...}}, got {line!r}')
    return message
