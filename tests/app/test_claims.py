"""The Claims page's link, looks and judgements without the page."""

from dataclasses import replace

import pytest

from app.claims import link, looks, tables
from app.claims.standing import Standings
from app.palette import PAPER, contrast
from bkn.claims import recorded
from bkn.claims.base import NOT_RUN, NOT_SUPPORTED, RUNNING, SUPPORTED, VERDICTS
from bkn.results import results
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.app.made_up_claims import CLAIMS, accuracy_in, write_claim
from tests.sweeps import write_job


@pytest.fixture
def reader(tmp_path):
    return Reader(store_path(tmp_path))


@pytest.fixture
def kept(tmp_path_factory):
    """A record of the claim `yes`, made elsewhere."""
    home = tmp_path_factory.mktemp("elsewhere")
    write_claim(home, "yes")
    found = results(Reader(store_path(home)), CLAIMS["yes"].laptop.jobs, curves=True)
    verdict = CLAIMS["yes"].decide(found)
    return {"yes": recorded.record(verdict, found, "laptop", 1.7e9, "Linux, 8 cores")}


def test_a_link_is_read_as_it_was_written():
    asked = link.Asked("yes", "gpu", ("supported", "running"), ("small",))
    assert link.read(link.write(asked), CLAIMS) == (asked, [])
    assert link.write(link.Asked()) == {}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ({"claim": ["yess"]}, "claim must be one of yes, no"),
        ({"protocol": ["tpu"]}, "protocol must be one of laptop, gpu, got 'tpu'"),
        ({"verdict": ["true"]}, "verdict must be one of supported, not-supported"),
        ({"topic": ["big"]}, "topic must be one of kalman, small"),
        ({"clame": ["yes"]}, "the link sets 'clame', which this page does not know"),
    ],
)
def test_what_is_wrong_in_a_link_is_said(url, words):
    asked, wrong = link.read(url, CLAIMS)
    assert asked == link.Asked()
    assert words in wrong[0]


def test_every_verdict_has_its_own_symbol_word_and_colour_legible_in_both_themes():
    assert list(looks.LOOKS) == list(VERDICTS)
    for what in ("key", "symbol", "word", "color"):
        assert len({getattr(look, what) for look in looks.LOOKS.values()}) == len(VERDICTS)
    for look in looks.LOOKS.values():
        for shade, paper in zip(look.tone, PAPER, strict=True):
            assert contrast(shade, paper) >= 4.5


@pytest.mark.parametrize(
    ("key", "verdict"), [("yes", SUPPORTED), ("no", NOT_SUPPORTED), ("both", NOT_SUPPORTED)]
)
def test_own_runs_are_judged(tmp_path, reader, key, verdict):
    write_claim(tmp_path, key)
    one = Standings(reader, CLAIMS, {}).look("laptop")[key]
    assert (one.verdict, one.decided, one.stage, one.share) == (verdict, True, "", 1.0)
    assert one.own.seeds == 5


def test_without_runs_nothing_is_judged_and_what_runs_is_said(tmp_path, reader):
    write_claim(tmp_path, "yes", "running", 3)
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        writer.beat("conductor", 1, "conducting")
    found = Standings(reader, CLAIMS, {}).look("laptop")
    assert found["no"].verdict == NOT_RUN
    one = found["yes"]
    assert (one.verdict, one.stage, one.done, one.sweep_ids) == (RUNNING, "running", 3, ("yes-0",))
    assert one.share == pytest.approx(0.3)


def test_a_claim_whose_conductor_died_is_interrupted(tmp_path, reader):
    write_claim(tmp_path, "yes", "running", 3)
    one = Standings(reader, CLAIMS, {}).look("laptop")["yes"]
    assert (one.verdict, one.stage) == (NOT_RUN, "interrupted")


def test_the_share_counts_what_runs_now(tmp_path, reader):
    job = CLAIMS["no"].laptop.jobs[0]
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        write_job(writer, job, 0.9)
        writer.set_status(writer.run_ids(job.id)[0], "running", job.experiment.steps // 2)
    one = Standings(reader, CLAIMS, {}).look("laptop")["no"]
    assert one.share == pytest.approx(0.05, abs=0.002)


def test_a_claim_is_judged_again_only_when_a_run_is_done(tmp_path, reader):
    asked = []
    claim = CLAIMS["yes"]
    spy = replace(claim, decide=lambda found: asked.append(len(found)) or claim.decide(found))
    standings = Standings(reader, {"yes": spy}, {})
    write_claim(tmp_path, "yes", "stopped", 3)
    for _ in range(3):
        standings.forget()
        standings.look("laptop")
    assert len(asked) == 1
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        write_job(writer, claim.laptop.jobs[3], 0.9)
    standings.forget()
    assert standings.look("laptop")["yes"].done == 4
    assert len(asked) == 2


def test_what_was_recorded_is_shown_until_own_runs_decide(tmp_path, reader, kept):
    standings = Standings(reader, CLAIMS, kept)
    one = standings.look("laptop")["yes"]
    assert (one.verdict, one.from_record) == (SUPPORTED, True)
    assert not standings.look("gpu")["yes"].from_record
    flipped = Sweep.from_json(CLAIMS["yes"].laptop.sweeps[0].to_json())
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        for job in flipped.jobs:
            write_job(writer, job, 0.9 if job.experiment.method == "batch" else 0.7)
    standings.forget()
    one = standings.look("laptop")["yes"]
    assert (one.verdict, one.from_record) == (NOT_SUPPORTED, False)


def test_a_few_runs_of_another_claim_do_not_hide_the_record(tmp_path, reader, kept):
    with Writer(store_path(tmp_path)) as writer, writer.transaction():
        for job in CLAIMS["yes"].laptop.jobs[:-1]:
            write_job(writer, job, accuracy_in("yes")(job))
    assert Standings(reader, CLAIMS, kept).look("laptop")["yes"].from_record


def test_runs_are_told_by_what_differs_between_them():
    jobs = Sweep(("batch", "kalman"), (2, 4), lrs=(0.05, 0.1), seeds=(0, 1)).jobs
    assert tables.varying(jobs) == ["micro_batch", "lr"]
    deeper = [replace(job, experiment=replace(job.experiment, network_options={"depth": 8}))
              for job in jobs]  # fmt: skip
    assert tables.varying([*jobs, *deeper]) == ["micro_batch", "lr", "network_options"]


def test_a_chance_is_told_with_the_digits_that_matter():
    told = [tables.chance(p) for p in (0.0004, 0.012, 0.456, 1.0, float("nan"))]
    assert told == ["&lt; 0.001", "0.012", "0.46", "1.00", "–"]


def test_the_card_shows_the_comparison_that_made_the_verdict(tmp_path, reader):
    write_claim(tmp_path, "both")
    verdict = Standings(reader, CLAIMS, {}).look("laptop")["both"].own
    assert [test.holds for test in verdict.tests] == [True, False]
    assert looks.telling(verdict) is verdict.tests[1]
    assert looks.telling(replace(verdict, verdict=SUPPORTED)) is verdict.tests[0]
    silent = replace(verdict.tests[1], decides=False)
    parts = (verdict.parts[0], replace(verdict.parts[1], tests=(silent,)))
    assert looks.telling(replace(verdict, parts=parts)) is verdict.tests[0]


def test_comparisons_of_different_units_have_scales_of_their_own(tmp_path, reader):
    write_claim(tmp_path, "both")
    first, second = Standings(reader, CLAIMS, {}).look("laptop")["both"].own.tests
    axes = tables.scales([first, replace(second, unit="steps", low=-900.0, high=900.0)])
    assert axes["points"].high < 10
    assert axes["steps"].high == 900
