"""The Kalman page without a browser: sliders, equations, links, and what is kept."""

from functools import partial

import pytest

from app.kalman import free
from app.kalman.equations import number
from app.kalman.settings import LINK
from tests.app.conftest import ROOT
from tests.app.reading import said, turned


@pytest.fixture
def kalman_page(open_page):
    """Open the page with an address."""
    return partial(open_page, "kalman")


def formulas(page):
    """All equations in one text."""
    return "\n".join(one.value for one in page.latex)


def link(page):
    """The address as a dict of single values."""
    found = {name: page.query_params[name] for name in page.query_params}
    return {name: v[-1] if isinstance(v, list) else v for name, v in found.items()}


def test_the_page_opens_with_three_steps_and_their_numbers(kalman_page):
    page = kalman_page()
    scene = free.scene(LINK)
    assert len(page.latex) == 8
    for value in (*scene.prior, *scene.seen, *scene.posterior):
        assert f"{{{number(float(value))}}}" in formulas(page)
    assert link(page) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [("prior_mean", -1.2), ("noise", 0.8), ("m", 16), ("q", 0.75), ("truth_mean", 1.5)],
)
def test_a_slider_changes_the_equations_and_stands_in_the_address(kalman_page, name, value):
    page = kalman_page()
    before = formulas(page)
    turned(page.slider, f"filter_{name}").set_value(value).run()
    assert not page.exception
    posterior = free.scene(LINK | {name: value}).posterior
    assert f"{{{number(float(posterior.mean))}}}" in formulas(page)
    assert formulas(page) != before
    assert link(page) == {name: f"{value:g}"}


def test_a_link_sets_everything(kalman_page):
    page = kalman_page(q="0.9", m="8", prior_var="0.45", places="10", draw="7", noise="0")
    expected = free.scene(LINK | {"q": 0.9, "m": 8, "prior_var": 0.45, "places": 10, "draw": 7,
                                  "noise": 0.0})  # fmt: skip
    assert f"{{{number(float(expected.posterior.var))}}}" in formulas(page)
    assert turned(page.slider, "filter_q").value == 0.9
    assert turned(page.select_slider, "filter_prior_var").value == 0.45


def test_what_is_wrong_in_the_link_is_said_until_a_hand_moves_something(kalman_page):
    page = kalman_page(q="7", gains="0.1")
    assert "q must be a number in [0, 1], got '7'; using 0.3" in said(page)
    assert "sets 'gains', which this page does not know" in said(page)
    turned(page.slider, "filter_m").set_value(4).run()
    assert "In the link" not in said(page)


def test_draw_again_deals_other_images_and_the_link_tells_which(kalman_page):
    page = kalman_page()
    before = formulas(page)
    page.button(key="again").click().run()
    assert link(page) == {"draw": "1"}
    assert formulas(page) != before


def test_reset_brings_the_defaults_back(kalman_page):
    page = kalman_page(q="0.9", m="8", draw="3")
    page.button(key="reset_sliders").click().run()
    assert link(page) == {}
    assert turned(page.slider, "filter_q").value == LINK["q"]


def test_the_guard_is_told(kalman_page):
    page = kalman_page(prior_var="200")
    html = " ".join(one.proto.body for one in page.get("html"))
    assert "the guard sets it aside" in html


def test_the_sliders_outlive_a_look_at_another_page(kalman_page):
    page = kalman_page(q="0.9")
    turned(page.slider, "filter_m").set_value(16).run()
    page.switch_page(str(ROOT / "pages" / "race.py")).run()
    page.query_params.clear()
    page = kalman_page()
    assert turned(page.slider, "filter_m").value == 16
    assert link(page) == {"m": "16", "q": "0.9"}
