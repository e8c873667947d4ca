"""The Claims page's buttons: what running a claim takes, how far it is, what stands in the way."""

from app.claims import plan, scene
from bkn.store.home import store_path
from bkn.store.writer import Writer
from tests.app.made_up_claims import CLAIMS, write_claim
from tests.app.reading import said, text

DRAWN = '<svg class="bkn-interval'


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
