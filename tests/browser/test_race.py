"""A race from Start to Reset, in a real browser with real workers."""

import os
import signal

import pytest

from tests.browser.driving import (
    address,
    drawn,
    measured,
    press,
    race_id,
    resting_box,
    status,
    step,
    thumb,
    wait_line,
    wait_rest,
    wait_said,
    wait_status,
    widget,
)
from tests.patience import assert_fast, until

# Times from the click to the first line of the new race, in the browser's own clock.
WATCH = """() => {
  const line = () => document.querySelector('.st-key-fig_loss .scatterlayer path.js-line')
      ?.getAttribute('d');
  const button = document.querySelector('.st-key-start button');
  window.firstPoint = null;
  button.addEventListener('click', () => {
    const began = performance.now(), before = line();
    const look = () => {
      const path = line();
      if (path && path !== before) window.firstPoint = (performance.now() - began) / 1000;
      else requestAnimationFrame(look);
    };
    look();
  }, { once: true, capture: true });
}"""


def time_to_first_point(page):
    """Click Start on a resting page; seconds until fig_loss shows a point of the new race."""
    wait_rest(page)
    page.evaluate(WATCH)
    press(page, "start")
    page.wait_for_function("window.firstPoint !== null")
    return page.evaluate("window.firstPoint")


def test_start_shows_a_first_point_within_a_second_when_warm(server, visit):
    page = visit(server.url)
    tries = []
    while not tries or (tries[-1] > 1 and len(tries) < 5):  # a busy machine gets another chance
        server.warm()
        tries.append(time_to_first_point(page))
        press(page, "reset")
    words = f"Start to first new point, warm worker, best of {len(tries)}"
    measured(assert_fast(words, min(tries), 1))


def test_start_shows_a_first_point_within_five_seconds_when_cold(own_server, visit):
    page = visit(own_server.url)
    own_server.warm()
    wait_rest(page)
    (idle,) = own_server.worker_pids()
    os.kill(idle, signal.SIGKILL)  # the next one is 30 s away: Start has to make its own
    until(lambda: not own_server.worker_pids(), "the worker to be missed")
    seconds = time_to_first_point(page)
    measured(assert_fast("Start to first new point, cold worker", seconds, 5))


def test_pause_step_resume_stop_and_reset(server, visit):
    page = visit(f"{server.url}/?epochs=1000&methods=batch")
    press(page, "start")
    wait_status(page, "running")
    press(page, "pause")
    wait_status(page, "paused")
    at = step(page)
    press(page, "step")
    until(lambda: step(page) == at + 1, "one step more")
    press(page, "go_on")
    until(lambda: step(page) > at + 3, "the race to go on")
    press(page, "stop")
    wait_status(page, "stopped")
    press(page, "reset")
    wait_said(page, "Recorded race:")
    page.wait_for_function("!location.search.includes('run=')")


# What Streamlit does when a refresh falls due between a click and its message, but every time.
TWICE = """() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) { send.call(this, data); send.call(this, data); };
}"""


def test_a_click_that_the_browser_sends_twice_acts_once(server, visit):
    page = visit(f"{server.url}/?epochs=1000&methods=batch")
    before = {race.id for race in server.reader.races()}
    page.evaluate(TWICE)
    press(page, "start")
    wait_status(page, "running")
    press(page, "pause")
    wait_status(page, "paused")
    at = step(page)
    press(page, "step")  # which only a race that stays paused offers
    until(lambda: step(page) > at, "a step")
    kinds = [event.kind for event in server.reader.events(race_id(page))]
    assert kinds.count("pause") == 1
    assert "resume" not in kinds
    assert len({race.id for race in server.reader.races()} - before) == 1, "one race was started"


def test_step_before_start_takes_one_step_and_shows_it(server, visit):
    page = visit(f"{server.url}/?methods=batch")
    press(page, "step")
    wait_status(page, "paused")
    until(lambda: step(page) == 1, "the first step")
    shown = page.locator(".st-key-fig_loss .scatterlayer .points path")
    until(shown.count, "a mark for the first loss")


def test_what_is_changed_while_it_runs_acts_and_is_marked(server, visit):
    page = visit(f"{server.url}/?epochs=1000&methods=batch,kalman")
    press(page, "start")
    wait_status(page, "running")
    page.locator(".st-key-lr input").fill("0.01")
    page.locator(".st-key-lr input").press("Enter")
    thumb(page, "micro_batch").focus()
    thumb(page, "micro_batch").press("ArrowRight")
    events = lambda: {e.kind: e.payload for e in server.reader.events(race_id(page))}  # noqa: E731
    until(lambda: {"lr", "micro_batch"} <= events().keys(), "both changes in the store")
    assert events()["lr"]["value"] == 0.01
    assert events()["micro_batch"]["value"] == 4
    loss = page.locator(".st-key-fig_loss .js-plotly-plot")
    until(lambda: loss.locator(".shapelayer path").count() >= 1, "marks in the chart")
    until(lambda: "lr=0.01" in address(page), "the new rate in the address")
    page.get_by_text("apply at the next Start").wait_for(state="detached")


def test_a_reload_comes_back_to_the_race_also_after_its_end(server, visit):
    page = visit(f"{server.url}/?epochs=2&methods=batch&lr=0.1")
    press(page, "start")
    race_id(page)
    page.reload()
    page.locator(".bkn-card").first.wait_for()
    assert "run=" in address(page)
    wait_status(page, "finished")
    rate = page.locator(".st-key-lr input")
    until(lambda: rate.input_value() == "0.1", "the rate of the race in the form")
    page.reload()
    page.locator(".bkn-card").first.wait_for()
    wait_status(page, "finished")
    wait_line(page, "fig_loss")


def test_two_visitors_race_each_for_themselves_and_a_third_is_refused(server, visit):
    pages = [visit(f"{server.url}/?epochs=1000&methods=batch&seed={seed}") for seed in (1, 2, 3)]
    for page in pages[:2]:
        press(page, "start")
        wait_status(page, "running")
    first, second = (race_id(page) for page in pages[:2])
    assert first != second
    press(pages[2], "start")
    wait_said(pages[2], "races are running already")
    watching = visit(f"{server.url}/?run={first}")
    wait_status(watching, "running")
    until(watching.locator(".st-key-stop button").first.is_disabled, "Stop to be out of reach")
    press(pages[0], "stop")
    wait_status(watching, "stopped")
    wait_status(pages[0], "stopped")
    assert status(pages[1]).startswith("running")


def test_restart_ends_the_race_that_runs(server, visit):
    page = visit(f"{server.url}/?epochs=1000&methods=batch")
    press(page, "start")
    first = race_id(page)
    wait_status(page, "running")
    page.get_by_role("button", name="Restart").first.wait_for()
    press(page, "start")
    until(lambda: race_id(page) != first, "a new race in the address")
    wait_status(page, "running")
    until(lambda: server.reader.race(first).status == "stopped", "the first race to be stopped")


def test_nodes_and_zoom_outlive_refreshes(server, visit):
    page = visit(f"{server.url}/?epochs=1000&methods=batch")
    press(page, "start")
    wait_status(page, "running")
    wait_line(page, "fig_loss")
    page.evaluate(
        """() => { document.querySelectorAll('.js-plotly-plot').forEach(p => p.mine = 1);
              const plot = document.querySelector('.st-key-fig_loss .js-plotly-plot');
              Plotly.relayout(plot, {'xaxis.range[0]': 1, 'xaxis.range[1]': 40}); }"""
    )
    path, at = drawn(page, "fig_loss"), step(page)
    until(lambda: step(page) > at + 20, "refreshes")
    until(lambda: drawn(page, "fig_loss") != path, "a new path")
    kept = page.evaluate("[...document.querySelectorAll('.js-plotly-plot')].map(p => p.mine)")
    assert set(kept) == {1}
    shown = page.evaluate(
        "document.querySelector('.st-key-fig_loss .js-plotly-plot').layout.xaxis.range"
    )
    assert shown == [1, 40]


def test_a_click_on_the_heat_map_picks_the_layer(server, visit):
    page = visit(server.url)
    wait_rest(page)
    box = resting_box(page.locator(".st-key-fig_error .heatmaplayer image").first)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.25)
    until(
        lambda: (
            page.locator(".st-key-fig_estimates h3").inner_text() != "Who is right about layer6?"
        ),
        "another layer",
    )
    picked = page.locator(".st-key-fig_estimates h3").inner_text().split()[-1].rstrip("?")
    chosen = widget(page, "layer").locator("input")
    until(lambda: chosen.input_value() == picked, "the same layer in the form")


@pytest.mark.parametrize("key", ["follow", "explain"])
def test_the_switches_work(server, visit, key):
    page = visit(f"{server.url}/?epochs=1000&methods=batch")
    press(page, "start")
    wait_status(page, "running")
    wait_line(page, "fig_loss")
    page.locator(f".st-key-{key} label").first.click()
    if key == "explain":
        page.locator(".st-key-fig_loss .bkn-meaning").wait_for(state="hidden")
        return
    # The picture may lag behind the click by a refresh; then it stands still while steps go on.
    until(lambda: stands_still(page, "fig_loss", steps=20), "the picture to stand still")


def stands_still(page, key, steps):
    """Whether a figure is the same after so many more steps of the race."""
    path, at = drawn(page, key), step(page)
    until(lambda: step(page) > at + steps, "the status to go on")
    return drawn(page, key) == path
