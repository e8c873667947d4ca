"""Intervals equal scipy's, tables are Markdown."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.report import Summary, markdown, percent

VALUES = [0.95, 0.97, 0.96, 0.99, 0.91]


def test_the_interval_is_scipys():
    s = Summary.of(VALUES)
    expected = stats.ttest_1samp(VALUES, 0).confidence_interval(0.95)
    assert (s.low, s.high) == pytest.approx((expected.low, expected.high))
    assert (s.mean, s.sd) == pytest.approx((np.mean(VALUES), np.std(VALUES, ddof=1)))


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="at least 2 to have an interval, got 1"):
        Summary.of([1.0])


def test_fractions_are_shown_in_percent():
    assert percent(0.97555) == "97.56"
    assert percent(0.012, sign=True) == "+1.20"
    assert percent(-0.012, sign=True) == "-1.20"


def test_tables_are_aligned_markdown():
    table = markdown(("method", "mean"), [("batch", "1.0"), ("k", "22.25")])
    assert table.splitlines() == [
        "| method | mean  |",
        "|--------|-------|",
        "| batch  | 1.0   |",
        "| k      | 22.25 |",
    ]
