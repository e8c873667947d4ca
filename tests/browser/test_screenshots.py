"""The README's pictures of the pages; rewritten only when BKN_SCREENSHOTS=1 asks for it."""

import os

import pytest

from bkn.catalog import METHODS
from tests.browser.driving import ROOT, picture, press, step, wait_rest
from tests.patience import until

LAST_STEP = """document.querySelector('.st-key-fig_estimates .js-plotly-plot')
    ?.calcdata?.[0]?.at(-1)?.x"""
SIZE = {"width": 1440, "height": 1290}  # the whole page
ASKED = os.environ.get("BKN_SCREENSHOTS") == "1"


@pytest.fixture
def folder(tmp_path):
    """Where pictures go: into the repository only if that is asked for."""
    chosen = ROOT / "assets" / "screenshots" if ASKED else tmp_path
    chosen.mkdir(exist_ok=True)
    return chosen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshot_of_the_race_page(server, visit, folder, scheme):
    page = visit(server.url, scheme, **SIZE)
    wait_rest(page)
    until(lambda: page.evaluate(LAST_STEP) == step(page), "the figures to reach the end")
    picture(page, folder / f"race-{scheme}.png")


def test_screenshot_of_the_methods_page(server, visit, folder):
    url = f"{server.url}/methods?method=kalman"
    page = visit(url, ready=".st-key-sheet .katex", width=1440, height=1250)
    if ASKED:  # with what the methods cost on this machine
        press(page, "measure_all")
        page.locator(".st-key-measure_cancel").wait_for()
        page.locator(".st-key-measure_all").wait_for(timeout=300_000)
    drawn = page.locator(".st-key-gallery svg.bkn-tensor")
    until(lambda: drawn.count() == len(METHODS), "every method's drawing")
    drawn.first.wait_for()
    picture(page, folder / "methods-light.png")


def test_screenshot_of_the_layers_page(server, visit, folder):
    figures = [f".st-key-{key} .js-plotly-plot" for key in ("fig_map", "fig_belief", "fig_replay")]
    page = visit(f"{server.url}/layers?entrant=2", ready=figures[1], width=1440, height=1500)
    for figure in figures:
        page.locator(figure).first.wait_for()
    picture(page, folder / "layers-light.png")


def test_screenshot_of_the_batch_size_page(server, visit, folder):
    figures = [f".st-key-fig_{key} .js-plotly-plot" for key in ("curve", "grid", "steps")]
    page = visit(f"{server.url}/batch_size", ready=figures[0], width=1440, height=1420)
    for figure in figures:
        page.locator(figure).first.wait_for()
    page.get_by_text("on this machine").first.wait_for()  # how long it takes has been timed
    picture(page, folder / "batch-size-light.png")


def test_screenshot_of_the_claims_page(server, visit, folder):
    url = f"{server.url}/claims?claim=kalman_small_batches"
    page = visit(url, ready=".st-key-claim_sheet .bkn-protocols", width=1440, height=1250)
    page.locator(".st-key-run_claim button").wait_for()
    page.locator(".bkn-claim").last.wait_for()
    picture(page, folder / "claims-light.png")


def test_screenshot_of_the_kalman_page(server, visit, folder):
    page = visit(f"{server.url}/kalman", ready=".katex", width=1440, height=1180)
    page.locator(".st-key-fig_filter .js-plotly-plot").first.wait_for()
    picture(page, folder / "kalman-light.png")
