"""Snapshots of a growing run: bounded, the first and the newest kept, evenly spread."""

from itertools import pairwise

import pytest

from bkn.probe.thinning import MOST_BYTES, Thinning, most_snapshots


def run(most, steps):
    """What is kept after these steps, checking every drop on the way."""
    thinning, there = Thinning(most), []
    for step in steps:
        dropped = thinning.add(step)
        assert set(dropped) <= set(there)
        there = [one for one in there if one not in dropped] + [step]
        assert there == thinning.steps
        assert there[0] == steps[0]
        assert len(there) <= most
    return there


def test_nothing_goes_while_there_is_room():
    assert run(8, list(range(0, 80, 10))) == list(range(0, 80, 10))


@pytest.mark.parametrize("most", [2, 3, 8, 200])
@pytest.mark.parametrize("count", [1, 2, 9, 100, 1000])
def test_first_and_newest_stay_and_the_rest_is_evenly_spread(most, count):
    kept = run(most, list(range(7, 7 + count)))
    assert kept[0] == 7
    assert kept[-1] == 6 + count
    gaps = {after - before for before, after in pairwise(kept[:-1])}
    assert len(gaps) <= 1
    if count > most > 2:
        assert len(kept) > most // 2


def test_every_second_one_goes_and_the_interval_doubles():
    thinning = Thinning(4)
    dropped = [thinning.add(step) for step in range(8)]
    assert dropped == [[], [], [], [], [1, 3], [], [5], [2, 6]]
    assert thinning.steps == [0, 4, 7]


def test_a_continued_run_keeps_the_same_grid():
    whole, continued = Thinning(5), Thinning(5)
    for step in range(11):
        whole.add(step)
    continued.restore(whole.state())
    for step in range(11, 40):
        assert continued.add(step) == whole.add(step)
        assert continued.steps == whole.steps


def test_large_snapshots_are_fewer():
    assert most_snapshots(100_000) == 200
    assert most_snapshots(2**20) == MOST_BYTES // 2**20 == 48
    assert most_snapshots(2**30) == 2
    assert most_snapshots(0) == 200
