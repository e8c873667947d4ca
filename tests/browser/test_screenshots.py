"""The README's pictures of the Race page; rewritten only when BKN_SCREENSHOTS=1 asks for it."""

import os

import pytest

from tests.browser.driving import ROOT, status, step, until

LAST_STEP = """document.querySelector('.st-key-fig_estimates .js-plotly-plot')
    .calcdata[0].at(-1).x"""
SIZE = {"width": 1440, "height": 1290}  # the whole page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshot_of_the_race_page(server, visit, tmp_path, scheme):
    asked = os.environ.get("BKN_SCREENSHOTS") == "1"
    folder = ROOT / "assets" / "screenshots" if asked else tmp_path
    folder.mkdir(exist_ok=True)
    page = visit(server.url, scheme, **SIZE)
    until(lambda: status(page).startswith("recorded race ·"), 20, "the replay to rest")
    until(lambda: page.evaluate(LAST_STEP) == step(page), 10, "the figures to reach the end")
    picture = page.screenshot(path=folder / f"race-{scheme}.png")
    assert len(picture) > 80_000  # an empty page takes 20 kB
