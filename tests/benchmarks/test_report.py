"""The benchmarks' intervals are those of bkn.stats."""

import pytest

from benchmarks.report import mean_interval
from benchmarks.shapes_methods import percent
from bkn import stats


def test_the_interval_is_that_of_the_library():
    assert mean_interval is stats.mean_interval
    assert percent(0.97555) == "97.56"


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="at least 2 to have an interval, got 1"):
        mean_interval([1.0])
