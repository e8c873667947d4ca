"""The probe's budget, on a clock of its own."""

import pytest

from bkn.probe.budget import LONGEST_GAP, Budget


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def drive(budget: Budget, clock: Clock, steps: int, step_time: float, probe_time: float) -> int:
    """Train `steps` steps, probing whenever allowed; how many probes that gave."""
    probes = 0
    for _ in range(steps):
        budget.tick()
        clock.now += step_time
        if budget.allows():
            budget.open_round()
            with budget.spending():
                clock.now += probe_time
            probes += 1
    budget.tick()
    return probes


@pytest.mark.parametrize("probe_time", [0.001, 0.05, 0.3])
def test_probing_takes_its_share_and_no_more(probe_time):
    clock = Clock()
    budget = Budget(0.1, clock)
    probes = drive(budget, clock, steps=2000, step_time=0.01, probe_time=probe_time)
    assert budget.used == pytest.approx(probes * probe_time / clock.now)
    assert 0.05 < budget.used <= 0.1


def test_the_first_round_is_free():
    budget = Budget(0.1, Clock())
    assert budget.allows()
    budget.open_round()
    with budget.spending():
        budget._clock.now += 1.0
    assert not budget.allows()


def test_a_pause_earns_nothing():
    clock = Clock()
    budget = Budget(0.1, clock)
    drive(budget, clock, steps=1, step_time=0.01, probe_time=1.0)
    clock.now += 3600.0
    budget.tick()
    assert budget._elapsed <= 1.01 + LONGEST_GAP
    assert not budget.allows()
