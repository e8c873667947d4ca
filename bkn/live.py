"""What may change while a race runs, checked in one place for the page, the pipe and the trainer.

The learning rate's peak, the micro-batch, and the options that a method's card flags as live.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bkn.cards import as_number
from bkn.experiment import Experiment, Race, number


def takes_live(experiment: Experiment, name: str) -> bool:
    """Whether this option of the experiment's method is a number that may change in a race."""
    live = {param.name for param in experiment.method_card.params if param.live}
    return name in live and not isinstance(experiment.options[name], str)


def live_options(race: Race) -> dict[str, Experiment]:
    """Options that may change while this race runs, each with the first entrant that has it."""
    found: dict[str, Experiment] = {}
    for experiment in race.experiments:
        for name in filter(lambda name: takes_live(experiment, name), experiment.options):
            found.setdefault(name, experiment)
    return found


def check_change(race: Race, name: str, value: Any) -> Any:
    """The value in its proper type, if the running race may take it.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """
    if name == "lr":
        return number("lr", value)
    if name == "micro_batch":
        value = number("micro_batch", value)
        for one in race.experiments:
            replace(one, micro_batch=value)  # refuses what does not fit one of them
        return value
    experiment = live_options(race).get(name)
    if experiment is None:
        raise ValueError(f"no entrant of this race has {name!r} as a number to change")
    value = experiment.method_card.complete({**experiment.options, name: value})[name]
    if isinstance(value, str):
        raise ValueError(f"{name} can be changed to a number only, got {value!r}")
    return value


def check_diagnosis(race: Race, value: Any) -> dict[str, int]:
    """What is to be diagnosed, {"run": position of the entrant, from 0}.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """
    if not isinstance(value, Mapping) or set(value) != {"run"}:
        raise ValueError(f'diagnose takes {{"run": position of the entrant}}, got {value!r}')
    run, last = as_number(value["run"]), len(race.experiments) - 1
    if run is None or run != int(run) or not 0 <= run <= last:
        raise ValueError(
            f"run must be the position of an entrant, a whole number in [0, {last}], "
            f"got {value['run']!r}"
        )
    return {"run": int(run)}
