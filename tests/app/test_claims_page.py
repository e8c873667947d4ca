"""The Claims page without a browser: every verdict has its words, every claim its card."""

import time
from dataclasses import replace
from functools import partial
from html import unescape

import pytest

from app.claims import plan, scene
from bkn.claims import CLAIMS as REAL
from bkn.claims import recorded
from bkn.results import results
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.app.made_up_claims import CLAIMS, write_claim
from tests.app.reading import said
from tests.app.test_methods_page import text
from tests.patience import assert_fast
from tests.sweeps import write_job

DRAWN = '<svg class="bkn-interval'


@pytest.fixture
def claims_page(open_page, monkeypatch):
    """Open the page on claims that are made up."""
    monkeypatch.setattr(scene, "CLAIMS", CLAIMS)
    monkeypatch.setattr(recorded, "read", dict)
    return partial(open_page, "claims")


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
                 claim.test, claim.reason, claim.url):  # fmt: skip
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


def keys(page):
    """Keys of the buttons on the page."""
    return {button.key for button in page.button}


def test_before_the_click_is_said_how_many_runs_are_left_and_how_long_they_take(claims_page, home):
    words = text(claims_page(claim="yes"))
    assert "10 runs left, time not known yet, 1 at a time." in words
    assert "10 runs, time not known yet here" in words


def test_the_time_is_judged_by_what_was_trained(claims_page, home):
    write_claim(home, "no")  # the same kind of steps, twice as many
    words = text(claims_page(claim="yes"))
    assert "10 runs left, about 1 s, 1 at a time." in words


def test_run_starts_the_claims_sweeps_and_stop_ends_them(claims_page, conductor):
    page = claims_page(claim="yes")
    page.button(key="run_claim").click().run()
    assert conductor.sent == [("start", CLAIMS["yes"].laptop.sweeps[0])]
    assert "</i>running</span>" in text(page)
    assert "0 of 10 runs" in text(page)
    page.button(key="stop_claim").click().run()
    assert conductor.sent[1] == ("stop", "sweep0")
    assert page.button(key="run_claim").label == "Continue"
    assert "stopped at 0 of 10 runs" in text(page)


def test_a_claim_that_runs_shows_how_far_it_is_and_what_is_known(claims_page, home, conductor):
    write_claim(home, "yes", "running", 8)
    conductor.mark("yes-0", "running")
    page = claims_page(claim="yes")
    words = text(page)
    assert {"run_all", "stop_all", "stop_claim"} <= keys(page)
    assert 'aria-valuenow="80"' in words
    assert "8 of 10 runs" in words
    assert "<b>1</b> running" in words
    assert DRAWN in words
    assert "not yet</span>" in words  # and none of them is judged
    assert "yes</span>" not in words


def test_after_its_server_died_a_claim_is_interrupted_and_continues(claims_page, home, conductor):
    write_claim(home, "yes", "running", 4)
    conductor.mark("yes-0", "running", alive=False)
    page = claims_page(claim="yes")
    assert "The server that ran this claim ended after 4 of 10 runs" in said(page)
    page.button(key="run_claim").click().run()
    assert conductor.sent == [("start", CLAIMS["yes"].laptop.sweeps[0])]
    assert "stop_claim" in keys(page)


def test_run_all_asks_first_and_says_what_it_takes(claims_page, home, conductor):
    for key in ("yes", "no", "maybe"):
        write_claim(home, key)
    page = claims_page()
    page.button(key="run_all").click().run()
    assert "2 claims with 25 runs left: about" in text(page)
    assert not conductor.sent
    page.button(key="run_all_no").click().run()
    assert "run_all_yes" not in keys(page)
    page.button(key="run_all").click().run()
    page.button(key="run_all_yes").click().run()
    sweeps = [CLAIMS[key].laptop.sweeps[0] for key in ("both", "never")]
    assert conductor.sent == [("start", sweep) for sweep in sweeps]
    page.button(key="stop_all").click().run()
    assert {what for what, *_ in conductor.sent[2:]} == {"stop"}
    assert "run_all" in keys(page)


def test_what_failed_is_left_out_said_and_tried_again(claims_page, home, conductor):
    write_claim(home, "yes")
    job = CLAIMS["yes"].laptop.jobs[0]
    with Writer(store_path(home)) as writer, writer.transaction():
        writer.set_status(writer.run_ids(job.id)[0], "failed", 3, "the disk\n\nis <full>")
    page = claims_page(claim="yes")
    words = text(page)
    assert "1 of 10 runs failed and are left out" in words
    assert 'title="the disk&#10;&#10;is &lt;full&gt;"' in words  # an empty line would end the table
    page.button(key="retry_claim").click().run()
    assert ("resume", "yes-0", True) in conductor.sent


def test_a_refusal_and_trouble_are_said_in_words(claims_page, conductor):
    conductor.refusal = "the disk is full"
    page = claims_page(claim="yes")
    page.button(key="run_claim").click().run()
    assert "the disk is full" in said(page)
    conductor.trouble = "No process can be started."
    assert "No process can be started." in said(page.run())


def test_a_claim_of_another_visitor_cannot_be_stopped(claims_page, home, conductor):
    write_claim(home, "yes", "running", 4)
    conductor.mark("yes-0", "running")
    page = claims_page(claim="yes")
    scene.owners()["yes-0"] = "somebody else"
    page.run()
    assert page.button(key="stop_claim").disabled
    assert page.button(key="stop_all").disabled
    assert "Another visitor runs this claim" in said(page)


def test_without_a_gpu_and_its_images_the_page_says_so_in_place_of_failing(
    open_page, monkeypatch, tmp_path, conductor
):
    monkeypatch.setenv("BKN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(plan, "gpus", list)
    page = open_page("claims", claim="kalman_small_batches", protocol="gpu")
    assert "CIFAR-10 is not on this machine yet" in text(page)
    assert not page.button(key="download").disabled
    assert "This machine shows no NVIDIA GPU" in said(page)
    assert page.button(key="run_claim").disabled
    page.button(key="run_all").click().run()
    assert "CIFAR-10 is not on this machine" in text(page)
    page.button(key="run_all_yes").click().run()
    assert conductor.sent
    assert "cifar10" not in {name for _, sweep in conductor.sent for name in sweep.datasets}


def test_without_a_gpu_the_cpu_has_to_be_asked_for(claims_page, monkeypatch):
    monkeypatch.setattr(plan, "gpus", list)
    page = claims_page(claim="yes", protocol="gpu")
    assert page.button(key="run_claim").label == "Run on the CPU all the same"
    assert "needs a GPU, which this machine has not" in text(page)
    monkeypatch.setattr(plan, "gpus", lambda: ["0"])
    page.run()
    assert page.button(key="run_claim").label == "Run this claim"


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
