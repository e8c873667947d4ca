"""The Methods page in a real browser: open a method, measure it, race it."""

import re

from bkn.catalog import METHODS
from tests.browser.driving import address, alive, measured, press, wait_said, wait_status
from tests.patience import assert_fast, seconds_until, until


def visit_methods(visit, server, query=""):
    """Open the page and wait until it is whole."""
    page = visit(f"{server.url}/methods{query}", ready=".st-key-sheet .bkn-facts")
    page.locator(".st-key-gallery svg.bkn-tensor").last.wait_for()
    return page


def opened(page):
    """The title of the opened method."""
    return page.locator(".bkn-name").inner_text()


def test_a_method_is_opened_measured_and_remembered(server, visit):
    page = visit_methods(visit, server)
    press(page, "open_group")
    until(lambda: opened(page) == "Group norm", "the method to open")
    until(lambda: "method=group" in address(page), "the method in the address")
    page.get_by_role("img", name=re.compile("Group norm: one statistic runs over")).last.wait_for()
    page.locator(".st-key-sheet .katex").first.wait_for()
    press(page, "measure")
    wait_said(page, "the step time of")
    figure = page.locator(".bkn-cost b").inner_text()
    assert re.fullmatch(r"\d+\.\d\d ×", figure)
    page.reload()
    until(lambda: page.locator(".bkn-cost b").inner_text() == figure, "the same figure")
    until(lambda: opened(page) == "Group norm", "the same method")
    measured(f"cost of group norm, measured by a click on the page: {figure}")


def test_equations_fit_their_place(server, visit):
    """What sticks out of the sheet is not seen until somebody scrolls sideways."""
    page = visit_methods(visit, server)
    equations = page.locator(".st-key-sheet .katex-display")
    for card in METHODS.values():
        press(page, f"open_{card.key}")
        until(lambda card=card: opened(page) == card.title, "the method to open")
        until(lambda card=card: equations.count() == len(card.equations), "all its equations")
        hidden = "all => all.map(one => one.scrollWidth - one.clientWidth)"
        assert not any(equations.evaluate_all(hidden)), card.key


def test_the_title_leaves_room_for_the_button_of_a_closed_sidebar(server, visit):
    page = visit(f"{server.url}/methods", ready=".st-key-sheet .bkn-facts", width=390)
    opener = page.get_by_test_id("stExpandSidebarButton").bounding_box()
    text = "one => { const line = document.createRange(); line.selectNodeContents(one); "
    left = page.locator(".bkn-sentence.one").evaluate(text + "return line.getClientRects()[0].x; }")
    assert left >= opener["x"] + opener["width"]


def test_race_this_opens_the_race_with_the_method_and_start_works(server, visit):
    page = visit_methods(visit, server, "?method=frn")
    press(page, "race_this")
    page.locator(".st-key-start button").wait_for()
    chips = page.locator(".st-key-methods [data-tag]")
    until(lambda: chips.count() == 2, "two methods")
    until(lambda: chips.nth(1).inner_text().startswith("Filter response"), "the method's chip")
    press(page, "start")
    wait_status(page, "running")
    page.get_by_role("button", name="Restart").wait_for()
    page.get_by_role("link", name="What are these?").click()
    page.locator(".bkn-name").wait_for()


def test_a_measurement_can_be_cancelled_and_leaves_no_process(own_server, visit):
    page = visit_methods(visit, own_server)
    press(page, "measure_all")
    wait_said(page, "Measuring:")
    press(page, "measure_cancel")
    page.locator(".st-key-measure_all").wait_for()
    press(page, "measure_all")
    wait_said(page, re.compile(r"Measuring: .+ of \d+"))  # whichever it is by now
    pids = children(own_server.process.pid)
    own_server.process.kill()
    seconds = seconds_until(lambda: not any(map(alive, pids)), "the measurement to end")
    own_server.process.wait()
    measured(assert_fast("kill -9 of the server to no measurement left", seconds, 5, most=50))


def children(pid):
    """Processes that a process has started."""
    from pathlib import Path

    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []
