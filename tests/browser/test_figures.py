"""A live figure in a real browser: what a visitor chose outlives the refreshes and the theme."""

import re

import pytest

from tests.browser.driving import press, resting_box, step, wait_rest, while_replaying
from tests.patience import until

FIGURES = ("fig_error", "fig_estimates", "fig_loss", "fig_accuracy", "fig_gain", "fig_innovation")
RECORDED = 4  # entrants of the recorded race


def figure(page, key):
    """The panel of a figure."""
    panel = page.locator(f".st-key-{key} .bkn-panel")
    panel.locator(".main-svg").first.wait_for()
    return panel


def lines(page, key):
    """How many lines a figure shows."""
    return page.evaluate(
        "key => document.querySelectorAll(`.st-key-${key} path.js-line`).length", key
    )


def wait_refreshed(page):
    """Play the recorded race again from its start and let some of it pass."""
    before = step(page)
    press(page, "replay")
    while_replaying(page, lambda: step(page) < before, "the recorded race to start again")
    again = step(page)
    while_replaying(page, lambda: step(page) not in (again, before), "it to move on")


def brightness(page):
    """Of the words at the time axis of the loss: red + green + blue."""
    tick = "document.querySelector('.st-key-fig_loss .xtick text')"
    color = page.evaluate(f"{tick} ? getComputedStyle({tick}).fill : ''")
    return sum(map(float, re.findall(r"[\d.]+", color)[:3]))


def test_a_line_that_is_switched_off_stays_off(server, visit):
    page = visit(server.url)
    panel = figure(page, "fig_accuracy")
    until(lambda: lines(page, "fig_accuracy") == RECORDED, "a line for every entrant")
    chip = panel.locator(".bkn-chip").first
    chip.click()
    until(lambda: lines(page, "fig_accuracy") == RECORDED - 1, "a line to go")
    wait_refreshed(page)
    until(lambda: lines(page, "fig_accuracy") == RECORDED - 1, "the line to stay away")
    assert chip.get_attribute("aria-pressed") == "false"
    pressed = panel.locator(".bkn-chip[aria-pressed=true]")
    until(lambda: pressed.count() == RECORDED - 1, "the other chips to be pressed")
    chip.click()
    until(lambda: lines(page, "fig_accuracy") == RECORDED, "the line to come back")


def test_one_button_brings_the_whole_picture_back(server, visit):
    page = visit(server.url)
    wait_rest(page)
    panel = figure(page, "fig_loss")
    whole = panel.get_by_role("button", name="whole picture")
    assert not whole.is_visible()
    ranges = "document.querySelector('.st-key-fig_loss .js-plotly-plot').layout.xaxis.range"
    before = page.evaluate(ranges)
    box = resting_box(panel.locator(".nsewdrag").first)
    page.mouse.move(box["x"] + 40, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 90, steps=4)
    page.mouse.up()
    whole.wait_for()
    until(lambda: page.evaluate(ranges) != before, "a part of the range")
    whole.click()
    until(lambda: page.evaluate(ranges) == before, "the whole range")
    whole.wait_for(state="hidden")


def test_the_data_is_there_as_a_table_that_follows_the_race(server, visit):
    page = visit(server.url)
    panel = figure(page, "fig_accuracy")
    panel.get_by_role("button", name="table").click()
    table = panel.get_by_role("table")
    assert table.get_by_role("columnheader").first.inner_text() == "step"
    wait_refreshed(page)
    rows = [table.get_by_role("row").count()]

    def grows():
        rows.append(table.get_by_role("row").count())
        return rows[-1] > rows[-2]

    while_replaying(page, grows, "a new row")
    panel.get_by_role("button", name="picture").click()
    table.wait_for(state="hidden")


def test_a_layer_can_be_picked_by_keyboard_in_the_table(server, visit):
    page = visit(server.url)
    panel = figure(page, "fig_error")
    panel.get_by_role("button", name="table").click()
    panel.get_by_role("button", name="layer2").press("Enter")
    figure(page, "fig_estimates").get_by_role("heading", name="layer2").wait_for()


@pytest.mark.parametrize("key", FIGURES)
def test_every_figure_has_a_name_that_says_what_it_shows(server, visit, key):
    panel = figure(visit(server.url), key)
    image = panel.locator(".bkn-host[role=img]")
    title = panel.get_by_role("heading").inner_text()
    assert image.get_attribute("aria-label").startswith(title)
    assert len(image.get_attribute("aria-label")) > len(title) + 20


def test_figures_follow_the_theme_at_once(server, visit):
    page = visit(server.url)
    figure(page, "fig_loss")
    before = brightness(page)
    page.emulate_media(color_scheme="dark")
    until(lambda: brightness(page) > before + 150, "light words")
    wait_refreshed(page)
    until(lambda: brightness(page) > before + 150, "light words after a refresh")
