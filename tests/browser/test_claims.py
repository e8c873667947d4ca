"""The Claims page in a real browser: open and filter claims, run one to its verdict."""

import re

import pytest
from playwright.sync_api import expect

from app.claims.looks import LOOKS
from bkn.claims import CLAIMS
from bkn.store.home import store_path
from bkn.store.writer import Writer
from tests.browser.driving import address, follow, measured, press, serve, wait_drawn, wait_said
from tests.patience import assert_fast, seconds_until, until
from tests.sweeps import write_job

KEY = "group_small_batch"  # a claim with few runs, each a second long
WORDS = [look.word for look in LOOKS.values()]
LEFT = 2  # of its runs that are trained for real


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A server whose store has all but a few of the claim's runs."""
    home = tmp_path_factory.mktemp("home")
    all_but_a_few(home)
    server = serve(home)
    yield server
    server.stop()


def visit_claims(visit, server, query=""):
    """Open the page and wait until it is whole."""
    page = visit(f"{server.url}/claims{query}", ready=".bkn-summary")
    page.locator(".bkn-claim").last.wait_for()
    page.locator("[class*=st-key-open_] button").last.wait_for()  # its code may come after the text
    wait_drawn(page)
    return page


def all_but_a_few(home):
    """Put made-up results of the claim's runs into the store, all but those of the last seed."""
    jobs = CLAIMS[KEY].laptop.jobs
    with Writer(store_path(home)) as writer, writer.transaction():
        for job in jobs[:-LEFT]:
            one = job.experiment
            write_job(writer, job, 0.9 + 0.001 * (one.seed % 7) + 0.05 * (one.method != "batch"))
    return jobs


def verdict(page):
    """The badge of the opened claim."""
    return page.locator(".st-key-claim_sheet .bkn-verdict").first.inner_text()


def test_a_claim_is_opened_closed_and_filtered(server, visit):
    page = visit_claims(visit, server)
    cards = page.locator("[class*=st-key-card_]")
    until(lambda: cards.count() == len(CLAIMS), "a card for every claim")
    page.locator(f".st-key-card_{KEY} .source a").click(trial=True)  # but for the source, ...
    page.locator(f".st-key-card_{KEY} .words").click(force=True)  # ... all of a card is its button
    page.locator(".st-key-claim_sheet .bkn-name").wait_for()
    until(lambda: f"claim={KEY}" in address(page), "the claim in the address")
    wait_said(page, CLAIMS[KEY].paper_protocol)
    page.reload()
    page.locator(".st-key-claim_sheet .bkn-name").wait_for()
    cards.last.locator("button").click()  # far below, with the sheet still in sight
    until(lambda: f"claim={KEY}" not in address(page), "another claim in the address")
    expect(page.locator(".st-key-claim_sheet .bkn-name")).to_be_in_viewport()
    press(page, "close_claim")
    until(lambda: "claim=" not in address(page), "the address without a claim")
    page.get_by_role("button", name=re.compile("running$")).click()
    wait_said(page, "No claim is all of that")
    assert "verdict=running" in address(page)


def test_a_claim_is_run_to_its_verdict_and_its_runs_lead_to_their_race(lab, visit):
    jobs = CLAIMS[KEY].laptop.jobs
    page = visit_claims(visit, lab, f"?claim={KEY}")
    wait_said(page, f"{LEFT} runs left, about")
    press(page, "run_claim")
    until(lambda: verdict(page).endswith("running"), "the claim to run")
    page.locator(".st-key-claim_sheet [role=progressbar]").wait_for()
    page.reload()  # what is shown lies in the store
    page.get_by_text("The runs behind").click()
    done = page.locator(f'.bkn-runs a[href="./?run={jobs[0].id}"]')
    done.evaluate("link => { link.known = true; }")
    until(lambda: verdict(page).endswith(("supported here", "inconclusive")), "a verdict")
    wait_said(page, f"All {len(jobs)} runs are done.")
    page.locator(".st-key-claim_sheet .bkn-tests svg.bkn-interval circle").first.wait_for()
    finished = page.locator(".bkn-runs tbody tr", has_text="finished")
    until(lambda: finished.count() == len(jobs), "the table to be final")
    assert done.evaluate("link => link.known")  # not another one, which a press would miss
    until(lambda: not page.locator(".st-key-stop_claim").count(), "the claim to be over")
    wait_drawn(page)
    follow(page, page.locator(f'.bkn-runs a[href="./?run={jobs[-1].id}"]'))
    page.locator(".bkn-card").first.wait_for()
    until(lambda: page.locator(".bkn-now").first.inner_text().startswith("finished"), "the run")


def test_after_kill_9_of_the_server_a_claim_continues_where_it_was(own_server, visit):
    jobs = all_but_a_few(own_server.home)
    page = visit_claims(visit, own_server, f"?claim={KEY}")
    press(page, "run_claim")
    until(lambda: verdict(page).endswith("running"), "the claim to run")
    own_server.process.kill()
    own_server.process.wait()
    again = serve(own_server.home)
    try:
        page = visit_claims(visit, again, f"?claim={KEY}")
        continues = page.get_by_role("button", name="Continue")
        seconds = seconds_until(continues.is_visible, "the claim to be interrupted")
        wait_said(page, "The server that ran this claim ended after")
        continues.click()
        until(lambda: verdict(page).endswith(("supported here", "inconclusive")), "a verdict")
        wait_said(page, f"All {len(jobs)} runs are done.")
    finally:
        again.stop()
    measured(assert_fast("a claim of a dead server seen to be interrupted", seconds, 8, most=80))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_verdicts_are_told_apart_without_colour_in_a_narrow_window(lab, visit, scheme):
    page = visit(f"{lab.url}/claims?claim={KEY}", scheme, width=420, height=900,
                 ready=".st-key-claim_sheet .bkn-verdict")  # fmt: skip
    until(lambda: verdict(page)[1:].strip() in WORDS, "symbol and word")
    until(lambda: not page.locator(".bkn-claim").first.is_visible(), "the cards to give way")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"the page is {wide} pixels too wide"
