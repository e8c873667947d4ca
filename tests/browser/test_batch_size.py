"""The Batch size page in a real browser: from an empty store to a finished sweep, and back to it.

Sweeps that have to be under way are far too large to end while they are looked at.
"""

import re
import signal

import pytest

from bkn.store.sweeps import sweeps
from bkn.sweep import Sweep
from tests.browser.driving import (
    address,
    alive,
    press,
    resting_box,
    serve,
    status,
    wait_said,
    wait_status,
)
from tests.patience import until
from tests.sweeps import write_sweep

READY = ".st-key-fig_grid .bkn-panel"
SHARED = "dataset=digits&convnet_width=4&convnet_depth=2&methods=batch,group&epochs=1"
SMALL = f"{SHARED}&micro_batches=2,8&seeds=2"
ENDLESS = f"{SHARED}&micro_batches=1,2,4,8&seeds=100"
CELL = ".st-key-fig_grid .bkn-cell[data-kind={}]"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A server with an empty store; whatever runs there ends with it."""
    server = serve(tmp_path_factory.mktemp("home"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A server with an empty store that stays so: it shows the recorded sweep."""
    server = serve(tmp_path_factory.mktemp("home"))
    yield server
    server.stop()


def open_page(visit, server, query):
    return visit(f"{server.url}/batch_size?{query}", ready=READY, height=1500)


def done(page):
    """How many runs have ended, as the page says it."""
    return int(re.search(r"([\d,]+) of", status(page)).group(1).replace(",", ""))


def sweep_id(page):
    page.wait_for_function("location.search.includes('sweep=')")
    return address(page).split("sweep=")[1].split("&")[0]


def written(page):
    """What stands in the cells of the grid."""
    return page.locator(".st-key-fig_grid .heatmap-label text").all_text_contents()


def stop(page):
    press(page, "stop")
    wait_status(page, "stopped")


def test_from_an_empty_store_to_a_finished_sweep_and_to_one_of_its_runs(lab, visit):
    page = open_page(visit, lab, SMALL)
    wait_status(page, "recorded sweep")
    wait_said(page, re.compile(r"8 runs: (timing a few steps|about)"))
    wait_said(page, re.compile(r"8 runs: about .* on this machine, \d+ at a time"))
    press(page, "start")
    sweep_id(page)
    wait_status(page, "finished · 8 of 8 runs")
    figure = re.compile(r"\d+\.\d")
    until(lambda: len(written(page)) == 4 and all(map(figure.fullmatch, written(page))),
          "four cells with an accuracy")  # fmt: skip
    until(page.locator(".st-key-fig_curve path.js-line").count, "a line")
    rows = page.locator(".st-key-pairs tbody tr")
    until(lambda: rows.count() == 2, "a comparison at each m")
    assert rows.first.locator("td").last.inner_text() == "2"  # seeds
    before = written(page)
    page.reload()
    page.locator(READY).wait_for()
    until(lambda: written(page) == before, "the same figures after a reload")
    wait_status(page, "finished · 8 of 8 runs")
    box = resting_box(page.locator(".st-key-fig_grid .heatmaplayer image").first)
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"])
    page.locator(".bkn-card").first.wait_for()
    opened = address(page).split("run=")[1].split("&")[0]
    experiment = lab.reader.race(opened).race.common
    assert (experiment.method, experiment.micro_batch) == ("group", 2)
    wait_status(page, "finished · step")


def test_a_mark_lies_over_its_own_cell(lab, visit):
    """Of three methods only the last has not been trained: its row is the lowest."""
    three = Sweep(("batch", "group", "kalman"), (2, 8), seeds=(5,), common={"epochs": 1})
    write_sweep(lab.home, three, lambda job: None if job.experiment.method == "kalman" else 0.9)
    page = visit(f"{lab.url}/batch_size?sweep=sweep", ready=READY, height=1500)
    marks = page.locator(CELL.format("waiting"))
    until(lambda: marks.count() == 2, "two marks")
    picture = resting_box(page.locator(".st-key-fig_grid .heatmaplayer image").first)
    for column, mark in enumerate(marks.all()):
        box = resting_box(mark)
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        across = (middle[0] - picture["x"]) / picture["width"]
        down = (middle[1] - picture["y"]) / picture["height"]
        assert (across, down) == pytest.approx((0.25 + 0.5 * column, 5 / 6), abs=0.03)


def test_stop_and_continue_and_a_reload_on_the_way(lab, visit):
    page = open_page(visit, lab, ENDLESS)
    press(page, "start")
    wait_status(page, "running")
    found = sweep_id(page)
    until(lambda: page.locator(CELL.format("running")).count() == 1, "a cell that pulses")
    until(lambda: done(page) > 0, "a run to end")
    stop(page)
    until(lambda: page.locator(CELL.format("running")).count() == 0, "no cell to pulse any more")
    count = done(page)
    press(page, "resume")
    wait_status(page, "running")
    page.reload()
    page.locator(READY).wait_for()
    wait_status(page, "running")
    assert sweep_id(page) == found
    until(lambda: done(page) > count, "more runs to end")
    until(lambda: "left" in status(page), "an estimate of what is left")
    stop(page)


def test_another_visitor_may_watch_and_not_stop(lab, visit):
    page = open_page(visit, lab, f"{ENDLESS}&first_seed=1000")
    press(page, "start")
    wait_status(page, "running")
    other = visit(f"{lab.url}/batch_size?sweep={sweep_id(page)}", ready=READY)
    wait_status(other, "running")
    wait_said(other, "Another visitor runs this sweep")
    assert other.locator(".st-key-stop button").is_disabled()
    epochs = other.locator(".st-key-epochs input")
    assert epochs.input_value() == "1"  # the settings of the sweep
    stop(page)
    wait_status(other, "stopped")


def test_who_wants_no_motion_sees_none(lab, visit):
    page = open_page(visit, lab, f"{ENDLESS}&first_seed=2000")
    press(page, "start")
    cell = page.locator(CELL.format("running")).first
    cell.wait_for()
    moves = f"getComputedStyle(document.querySelector('{CELL.format('running')}')).animationName"
    shown = f"document.querySelector('{CELL.format('running')}') ? {moves} : null"
    until(lambda: page.evaluate(shown) == "bkn-pulse", "a pulse")
    page.emulate_media(reduced_motion="reduce")
    until(lambda: page.evaluate(shown) == "none", "no pulse")
    stop(page)


def test_a_killed_server_leaves_a_sweep_that_another_continues(own_server, visit):
    page = open_page(visit, own_server, ENDLESS)
    press(page, "start")
    wait_status(page, "running")
    until(lambda: done(page) > 0, "a run to end")
    found, pids = sweep_id(page), children(own_server.process.pid)
    own_server.process.send_signal(signal.SIGKILL)
    own_server.process.wait()
    until(lambda: not any(map(alive, pids)), "its processes to end")
    until(lambda: sweeps(own_server.reader)[0].status == "interrupted", "the sweep to be missed")
    page.close()
    later = serve(own_server.home)
    try:
        page = visit(f"{later.url}/batch_size?sweep={found}", ready=READY)
        wait_status(page, "interrupted")
        wait_said(page, "The sweep was interrupted after")
        count = done(page)
        press(page, "resume")
        wait_status(page, "running")
        until(lambda: done(page) > count, "more runs to end")
        stop(page)
        page.close()
    finally:
        later.stop()


def children(pid):
    """Processes that a process has started."""
    from pathlib import Path

    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in found for child in one.read_text().split()]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("micro_batches=3", "no combination of this sweep fits"),
        ("methods=batchh", "unknown method 'batchh'; known: none, batch"),
        ("sweep=nonsense", "This lab knows no sweep"),
        ("lrs=fast", "lr must be a number"),
    ],
)
def test_a_wrong_link_is_said_in_words(untouched, visit, query, words):
    page = open_page(visit, untouched, query)
    wait_said(page, words)
    assert not page.locator(".stException").count()
    page.locator(".st-key-fig_curve path.js-line").first.wait_for()
