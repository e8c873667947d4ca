"""An effect with its interval: where it is drawn, what stands below, what it says in words."""

import re
from math import nan

import pytest

from app.figures.interval import WIDTH, interval, rounded, scale


def places(svg, shape="circle", name="cx"):
    """Where the drawing has these shapes, from the left."""
    return [float(x) for x in re.findall(rf"<{shape}[^>]* {name}=\"([\d.]+)\"", svg)]


def test_the_scale_holds_all_values_and_no_effect():
    drawn = scale((2.0, 5.0, nan, None))
    assert (drawn.low, drawn.high) == (0.0, 5.0)
    assert 0 < drawn.at(0.0) < drawn.at(2.0) < drawn.at(5.0) < WIDTH


def test_a_scale_of_nothing_has_a_width_all_the_same():
    assert scale(()).at(0.0) == WIDTH / 2


@pytest.mark.parametrize("value", [-1e9, 1e9])
def test_what_lies_beyond_the_axis_is_drawn_at_its_edge(value):
    assert 0 <= scale((0.0, 1.0)).at(value) <= WIDTH


def test_the_interval_reaches_from_end_to_end_with_the_effect_inside():
    drawn = scale((-1.0, 3.0))
    svg = interval(1.0, 0.5, 2.0, "words", drawn)
    assert places(svg) == [pytest.approx(drawn.at(1.0), abs=0.1)]
    ends = [drawn.at(0.0), drawn.at(0.5), drawn.at(0.5), drawn.at(2.0)]
    assert sorted(places(svg, "line", "x1")) == pytest.approx(sorted(ends), abs=0.1)


def test_the_band_is_shaded_from_its_start_to_its_end():
    drawn = scale((-1.0, 3.0))
    svg = interval(1.0, 0.5, 2.0, "words", drawn, band=(-0.5, 0.5))
    left, wide = places(svg, "rect", "x")[0], places(svg, "rect", "width")[0]
    assert (left, left + wide) == pytest.approx((drawn.at(-0.5), drawn.at(0.5)), abs=0.1)


def test_an_unknown_effect_is_an_axis_alone():
    svg = interval(nan, nan, None, "not known", scale(()))
    assert "circle" not in svg
    assert svg.count("<line") == 1


def test_it_is_named_in_words_and_nothing_of_them_is_markup():
    svg = interval(1.0, 0.5, 2.0, 'a "b" <c>', scale((0.0, 2.0)), 'x" onload="')
    assert 'aria-label="a &quot;b&quot; &lt;c&gt;"' in svg
    assert 'onload="' not in svg


def test_numbers_below_do_not_overlap_and_no_effect_is_always_marked():
    svg = interval(1.0, 0.5, 2.0, "words", scale((-0.01, 100.0)), band=(-0.01, 0.01))
    marks = places(svg, "text", "x")
    assert all(abs(a - b) >= 30 for a in marks for b in marks if a != b)
    assert ">0</text>" in svg


def test_an_end_is_rounded_towards_nothing_so_that_it_stays_on_the_axis():
    assert [rounded(v) for v in (3.46, -0.029, 0.0, 1.0)] == [3.0, -0.02, 0.0, 1.0]
