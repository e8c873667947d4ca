"""The document says what came out, of what, and what is missing; it is made from results alone."""

import re

import pytest

from bkn.claims import CLAIMS
from bkn.claims.document import About, Entry, chance, document, duration
from bkn.results import Result
from tests.claims.worlds import WORLDS, results_in

ABOUT = About("2026-11-21", "laptop", "Linux, 2 cores, a CPU", "Python 3, torch 2")


def entry(key, which=0):
    claim = CLAIMS[key]
    found = [
        Result(r.job, r.status, r.step, r.message, {**r.summary, "wall_seconds": 6.0}, r.curve)
        for r in results_in(WORLDS[key][which], claim.laptop.jobs)
    ]
    return Entry(claim, found, claim.decide(found))


def untouched(key):
    claim = CLAIMS[key]
    found = [Result(job, "waiting", 0, "", {}) for job in claim.laptop.jobs]
    return Entry(claim, found, claim.decide(found))


def test_the_summary_comes_first_with_a_row_per_claim():
    entries = [entry("memorized"), entry("kalman_large_batch", 1), untouched("fisher")]
    text = document(entries, ABOUT)
    assert "on 2026-11-21, laptop protocol: Linux, 2 cores, a CPU; Python 3, torch 2." in text
    assert "3 claims: 1 supported here, 1 not supported here, 1 not run yet." in text
    table = text[text.index("| claim") : text.index("\n## ")].splitlines()
    assert len([line for line in table if line.startswith("| [")]) == 3
    row = next(line for line in table if "#memorized" in line)
    assert "**Supported here**" in row
    assert re.search(r"\+[12]\.\d\d points \(\+1\.\d\d to \+2\.\d\d\)", row)
    assert "| 8 " in row


def test_one_claim_is_no_claims():
    assert "\n1 claim: " in document([entry("memorized")], ABOUT)


def test_time_of_shared_runs_counts_once():
    one, other = entry("memorized"), entry("batch_renorm")
    ids = {r.job.id for e in (one, other) for r in e.results}
    assert len(ids) == 24  # batch norm's are the same
    assert "24 runs, 2 min of training on one thread each" in document([one, other], ABOUT)


@pytest.mark.parametrize("key", CLAIMS)
def test_every_claim_has_a_section_that_tells_all(key):
    one = entry(key)
    text = document([one], ABOUT)
    claim = one.claim
    assert f'### {claim.title}<a id="{key}"></a>' in text
    for part in (claim.words, claim.source, claim.url, claim.paper_protocol, claim.laptop.words,
                 claim.test, claim.laptop.reason, one.verdict.words):  # fmt: skip
        assert part in text
    for test in one.verdict.tests:
        assert test.label in text
    for part in one.verdict.parts:
        assert len(one.verdict.parts) == 1 or f"*{part.title}:* {part.verdict}." in text
    for result in one.results:
        assert result.job.id in text
    lines = text.splitlines()
    tables = [line.count("|") for line in lines if line.startswith("|")]
    assert tables
    assert not re.search(r"\bnan\b", text)
    assert text.endswith("</details>\n")


def test_what_has_no_say_stands_in_brackets():
    text = document([entry("kalman_small_batches")], ABOUT)
    assert "| (Kalman − batch norm at m = 4)" in text
    assert "| Kalman − batch norm at m = 2 " in text


def test_what_every_setting_reached_is_told():
    one = entry("learning_rates")
    text = document([one], ABOUT)
    assert "- `none` (64, 64), convnet, lr 12.8, 4 epochs, network options" not in text
    lines = text.splitlines()
    line = next(x for x in lines if x.startswith("- `none` (64, 64), convnet, lr 12.8"))
    assert "4 epochs, depth 6, width 16: 10.00 %, sd 0.00, 6 diverged: " in line
    calm = next(
        x for x in text.splitlines() if x.startswith("- `batch` (64, 64), convnet, lr 12.8")
    )
    assert re.search(r": (95\.9|96\.0)\d %, sd 0\.0\d: ", calm)


def test_settings_that_differ_have_lines_of_their_own():
    text = document([entry("weight_growth")], ABOUT)
    assert "10 epochs, weight decay 0.0: " in text
    assert "10 epochs, weight decay 0.005: " in text
    styles = document([entry("domain")], ABOUT)
    assert styles.count("held_out sketch: ") == styles.count("held_out negative: ") == 2
    assert len(re.findall(r"`batch` .*, on what was held out \d+\.\d\d %, sd \d", styles)) == 2
    assert len(re.findall(r"`domain` .*, on what was held out \d+\.\d\d %, sd \d", styles)) == 2


def test_nothing_known_is_told_as_that():
    text = document([untouched("memorized")], ABOUT)
    assert "Not run yet" in text
    assert "0 of 16 runs are done; it is decided when all are." in text
    assert "16 of 16" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert not any("not known" in row for row in rows)
    assert "| comparison" not in text
    assert "accuracy not known, 8 waiting" in text


def test_small_words():
    assert [chance(p) for p in (0.0001, 0.0123, 0.5)] == ["< 0.001", "0.012", "0.50"]
    assert [duration(s) for s in (45, 89, 700, 3900)] == ["45 s", "89 s", "12 min", "1 h 5 min"]
