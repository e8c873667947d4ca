"""A diagnosis of a real race in a real worker process."""

import pytest

from tests.engine.test_supervisor import ONE, kinds, step, until_status, until_step
from tests.patience import until


def test_a_paused_race_is_measured_and_goes_on(supervisor):
    race_id = supervisor.start(ONE, paused=True)
    supervisor.send(race_id, "step")
    until_step(supervisor, race_id, 1)
    supervisor.send(race_id, "diagnose", value={"run": 0})
    until(lambda: "diagnosis" in kinds(supervisor, race_id), "the diagnosis")
    events = supervisor.reader.events(race_id)
    (payload,) = [event.payload for event in events if event.kind == "diagnosis"]
    assert (payload["run"], payload["step"], payload["images"]) == (0, 1, 64)
    assert payload["fisher"]["bound"] > 0
    assert step(supervisor, race_id) == 1
    with pytest.raises(ValueError, match=r"a whole number in \[0, 0\], got 3"):
        supervisor.send(race_id, "diagnose", value={"run": 3})
    supervisor.send(race_id, "resume")
    until_step(supervisor, race_id, 5)
    supervisor.send(race_id, "stop")
    until_status(supervisor, race_id, "stopped")


def test_stop_does_not_wait_for_ten_diagnoses(supervisor):
    race_id = supervisor.start(ONE, paused=True)
    for _ in range(10):
        supervisor.send(race_id, "diagnose", value={"run": 0})
    until(lambda: "diagnose" in kinds(supervisor, race_id), "the first to begin")
    supervisor.send(race_id, "stop")
    until_status(supervisor, race_id, "stopped")
    assert kinds(supervisor, race_id).count("diagnosis") < 10
