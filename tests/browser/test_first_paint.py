"""Before the first click: the recorded race, drawn, in both themes, and nothing from elsewhere."""

import pytest

from tests.browser.driving import drawn, status, step, wait_said
from tests.patience import PATIENCE, until

FIGURES = ("fig_error", "fig_estimates", "fig_loss", "fig_accuracy", "fig_gain", "fig_innovation")


def test_the_recorded_race_is_drawn_and_plays_to_its_end(server, visit):
    page = visit(server.url)
    wait_said(page, "Recorded race:")
    first = step(page)
    steps = int(status(page).split(" of ")[1].split(" ")[0])
    assert first >= 0.4 * steps
    for key in FIGURES[1:]:
        until(lambda key=key: "L" in drawn(page, key), f"lines in {key}")
    page.locator(".st-key-fig_error .js-plotly-plot .heatmaplayer image").first.wait_for()
    until(lambda: step(page) == steps, "the end of the recorded race")
    assert not page.locator(".stException, .stAlert").count()


def test_nothing_is_asked_from_the_network_but_this_server(server, visit, chromium):
    asked = []
    page = chromium.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    page.locator(".st-key-fig_loss path.js-line").first.wait_for()
    page.close()
    elsewhere = [url for url in asked if not url.startswith((server.url, "data:", "blob:", "ws:"))]
    assert not elsewhere


BRIGHTNESS = """([selector, what]) => {
  const canvas = document.createElement('canvas').getContext('2d');
  canvas.fillStyle = getComputedStyle(document.querySelector(selector))[what];
  canvas.fillRect(0, 0, 1, 1);
  return canvas.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((a, b) => a + b) / 765;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_ground_in_both_themes(server, visit, scheme):
    page = visit(server.url, scheme)
    page.locator(".st-key-fig_loss path.js-line").first.wait_for()
    ground = lambda: page.evaluate(BRIGHTNESS, [".stApp", "backgroundColor"])  # noqa: E731
    until(lambda: (ground() > 0.5) == (scheme == "light"), f"the {scheme} ground")
    for selector, what, least in (
        (".bkn-sentence", "color", 0.6),
        (".st-key-fig_loss h3", "color", 0.6),
        (".bkn-card", "color", 0.6),
        (".st-key-fig_loss .xtick text", "fill", 0.3),
    ):
        page.locator(selector).first.wait_for()
        look = lambda s=selector, w=what: page.evaluate(BRIGHTNESS, [s, w])  # noqa: E731
        until(lambda n=least, f=look: abs(ground() - f()) > n, f"{selector} to stand out")


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_is_clipped_or_scrolls_sideways(server, visit, width):
    page = visit(server.url, width=width)
    page.locator(".st-key-fig_innovation path.js-line").first.wait_for()
    wide = """() => [...document.querySelectorAll('.stMain, .bkn-card, .bkn-panel h3, .stButton p')]
        .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"""
    until(lambda: not page.evaluate(wide), "everything to fit")
