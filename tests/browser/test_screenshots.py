"""The README's pictures of the pages; rewritten only when BKN_SCREENSHOTS=1 asks for it."""

import os

import pytest

from bkn.catalog import METHODS
from tests.browser.driving import ROOT, picture, press, step, wait_rest
from tests.patience import until

LAST_STEP = """document.querySelector('.st-key-fig_estimates .js-plotly-plot')
    ?.calcdata?.[0]?.at(-1)?.x"""
SIZE = {"width": 1440, "height": 1290}  # the whole page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshot_of_the_race_page(server, visit, tmp_path, scheme):
    asked = os.environ.get("BKN_SCREENSHOTS") == "1"
    folder = ROOT / "assets" / "screenshots" if asked else tmp_path
    folder.mkdir(exist_ok=True)
    page = visit(server.url, scheme, **SIZE)
    wait_rest(page)
    until(lambda: page.evaluate(LAST_STEP) == step(page), "the figures to reach the end")
    picture(page, folder / f"race-{scheme}.png")


def test_screenshot_of_the_methods_page(server, visit, tmp_path):
    asked = os.environ.get("BKN_SCREENSHOTS") == "1"
    folder = ROOT / "assets" / "screenshots" if asked else tmp_path
    folder.mkdir(exist_ok=True)
    url = f"{server.url}/methods?method=kalman"
    page = visit(url, ready=".st-key-sheet .katex", width=1440, height=1250)
    if asked:  # with what the methods cost on this machine
        press(page, "measure_all")
        page.locator(".st-key-measure_cancel").wait_for()
        page.locator(".st-key-measure_all").wait_for(timeout=300_000)
    drawn = page.locator(".st-key-gallery svg.bkn-tensor")
    until(lambda: drawn.count() == len(METHODS), "every method's drawing")
    drawn.first.wait_for()
    picture(page, folder / "methods-light.png")
