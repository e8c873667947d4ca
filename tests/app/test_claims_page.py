"""The Claims page without a browser: every verdict has its words, every claim its card."""

import time
from dataclasses import replace
from html import unescape

import pytest

from bkn.claims import CLAIMS as REAL
from bkn.claims import recorded
from bkn.results import results
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.app.made_up_claims import CLAIMS, write_claim
from tests.app.reading import said, text
from tests.patience import assert_fast
from tests.sweeps import write_job

DRAWN = '<svg class="bkn-interval'


def cards(page):
    """Keys of the claims that have a card, in their order."""
    return [b.key.removeprefix("open_") for b in page.button if (b.key or "").startswith("open_")]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("yes", "supported here"),
        ("no", "not supported here"),
        ("maybe", "inconclusive"),
        ("both", "not supported here"),
        ("never", "not run yet"),
    ],
)
def test_every_verdict_is_told_in_words_with_its_effect(claims_page, home, key, words):
    if key != "never":
        write_claim(home, key)
    page = claims_page(claim=key, topic=CLAIMS[key].topic)
    assert f"</i>{words}</span>" in text(page)
    assert (DRAWN in text(page)) == (key != "never")


def test_the_counts_on_top_are_those_of_the_cards(claims_page, home):
    for key in ("yes", "no", "maybe", "both"):
        write_claim(home, key)
    words = text(claims_page())
    for count, verdict in ((1, "supported"), (2, "not supported"), (1, "inconclusive")):
        assert f"<b>{count}</b> {verdict}" in words
    assert "<b>1</b> not run yet" in words


def test_a_filter_leaves_what_passes_in_its_order_and_stands_in_the_address(claims_page, home):
    for key in ("yes", "no", "maybe", "both"):
        write_claim(home, key)
    page = claims_page(verdict="not-supported,not-run")
    assert cards(page) == ["no", "both", "never"]
    page.multiselect(key="topic_filter").select("nature").run()
    assert cards(page) == ["both"]
    assert page.query_params["topic"] in ("nature", ["nature"])
    page.multiselect(key="topic_filter").set_value(["small"]).run()
    assert cards(page) == []
    assert "Switch a filter off" in said(page)


def test_a_click_opens_a_claim_and_the_address_holds_it_until_it_is_closed(claims_page):
    page = claims_page()
    page.button(key="open_no").click().run()
    assert page.query_params["claim"] in ("no", ["no"])
    assert CLAIMS["no"].paper_protocol in text(page)
    page.button(key="close_claim").click().run()
    assert "claim" not in page.query_params
    assert CLAIMS["no"].paper_protocol not in text(page)


def test_a_claim_in_full_says_how_it_is_tested_what_decides_and_what_makes_it(claims_page, home):
    write_claim(home, "both")
    page = claims_page(claim="both")
    words = text(page)
    claim = CLAIMS["both"]
    for fact in (claim.words, claim.paper_protocol, claim.laptop.words, claim.gpu.words,
                 claim.test, claim.laptop.reason, claim.url):  # fmt: skip
        assert fact in words
    for part in ("Kalman norm beats batch norm", "Group norm equals it"):
        assert part in words
    assert "within ±1.00" in words
    assert "python -m bkn claim both" in page.code[0].value


def test_each_run_behind_a_claim_is_a_link_to_its_race(claims_page, home):
    write_claim(home, "yes", "stopped", 4)
    words = text(claims_page(claim="yes"))
    jobs = CLAIMS["yes"].laptop.jobs
    assert [f'href="./?run={job.id}"' in words for job in jobs] == [True] * 4 + [False] * 6
    assert "93.00 %" in words
    assert words.count("<td>waiting</td>") == 6


def test_too_few_seeds_are_not_judged_and_that_is_said(claims_page, home):
    write_claim(home, "yes", "stopped", 4)
    words = text(claims_page(claim="yes"))
    assert "2 seeds so far: with fewer than 3, chance decides" in words
    assert "2 of at least 3 seeds: too few to judge" in words
    assert DRAWN not in words


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ({"claim": "yess"}, "claim must be one of yes, no"),
        ({"verdict": "true"}, "verdict must be one of supported"),
        ({"clame": "yes"}, "sets 'clame', which this page does not know"),
    ],
)
def test_a_wrong_link_is_said_in_words(claims_page, url, words):
    assert words in said(claims_page(**url))


def test_the_other_protocol_has_results_of_its_own(claims_page, home):
    write_claim(home, "yes")
    page = claims_page(claim="yes", protocol="gpu")
    assert "<b>5</b> not run yet" in text(page)
    assert "python -m bkn claim yes --protocol gpu" in page.code[0].value


def test_every_real_claim_has_a_card_and_opens(open_page):
    page = open_page("claims")
    assert cards(page) == list(REAL)
    for key, claim in REAL.items():
        page.button(key=f"open_{key}").click().run()
        assert not page.exception
        words = unescape(text(page))
        for fact in (claim.words, claim.paper_protocol, claim.laptop.words, claim.gpu.words):
            assert fact in words


def test_settings_of_the_race_outlive_a_look_at_the_claims(page, claims_page, supervisor):
    from tests.app.conftest import ROOT

    page.query_params["seed"] = "7"
    page.run()
    page.switch_page(str(ROOT / "pages" / "claims.py")).run()
    page.query_params.clear()
    page.switch_page(str(ROOT / "pages" / "race.py")).run()
    assert not page.exception
    page.button(key="start").click().run()
    assert supervisor.sent[-1][1].common.seed == 7


def recorded_as(key, tmp_path_factory):
    """A record of this claim, made elsewhere."""
    home = tmp_path_factory.mktemp("elsewhere")
    write_claim(home, key)
    found = results(Reader(store_path(home)), CLAIMS[key].laptop.jobs, curves=True)
    return recorded.record(CLAIMS[key].decide(found), found, "laptop", 1.7e9, "Linux, 8 cores")


def test_a_fresh_clone_shows_what_was_recorded_when_and_on_what(
    claims_page, monkeypatch, tmp_path_factory
):
    kept = {"yes": recorded_as("yes", tmp_path_factory)}
    monkeypatch.setattr(recorded, "read", lambda: kept)
    page = claims_page(claim="yes")
    words = text(page)
    assert "<b>1</b> supported here" in words
    assert "recorded on 14 Nov 2023, Linux, 8 cores" in words
    assert "Recorded on 14 Nov 2023, Linux, 8 cores, until this claim is run here." in words
    assert "93.00 %" in words
    assert "their curves are not shipped" in said(page)
    assert "10 runs left, about 1 s where they were recorded, 1 at a time." in words
    page.button(key="run_claim").click().run()
    assert "</i>running</span>" in text(page)


def test_a_record_of_an_older_protocol_says_so(claims_page, monkeypatch, tmp_path_factory):
    kept = {"yes": replace(recorded_as("yes", tmp_path_factory), jobs="other")}
    monkeypatch.setattr(recorded, "read", lambda: kept)
    words = text(claims_page(claim="yes"))
    assert "The protocol has changed since." in words
    assert "93.00 %" not in words


def test_the_page_is_quick_with_many_finished_runs(open_page, home):
    with Writer(store_path(home)) as writer, writer.transaction():
        jobs = {job.id: job for claim in REAL.values() for job in claim.laptop.jobs}
        sweep = Sweep(("batch", "group"), (2, 64), seeds=tuple(range(300)))
        for job in [*jobs.values(), *sweep.jobs][:1500]:
            write_job(writer, job, 0.9 + 0.0001 * job.experiment.seed)
    began = time.process_time()
    page = open_page("claims", claim="kalman_small_batches")
    first = time.process_time() - began
    began = time.process_time()
    page.run()
    again = time.process_time() - began
    assert_fast("first look at 1,500 finished runs", first, 1.5)
    assert_fast("next look at 1,500 finished runs", again, 0.6)
