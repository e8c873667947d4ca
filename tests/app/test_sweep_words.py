"""What the Batch size page says: only what intervals support, and why it says no more."""

import re

import pytest

from app.batch_size.words import few, left_out, sentence
from app.figures.sweep_pairs import chance, pairs, signed
from bkn.stats import ONE_SEED
from tests.app.sweep_tables import AT, lively, table

SEEDS = tuple(range(8))


def plain(html):
    """Without its markup."""
    return re.sub(r"<[^>]+>", "", html)


def said(made, at=AT, baseline="batch", moving=False):
    return plain(sentence(made, at, baseline, moving))


def test_where_a_method_breaks_and_by_how_much():
    words = said(table(lively, seeds=SEEDS))
    assert words.startswith(
        "Batch norm loses accuracy at m = 2: there it is 6.2 points (6.0 to 6.4) below"
    )
    assert "no fall beyond chance is seen of Group norm and Kalman norm" in words
    assert re.search(
        r"At m = 2 \w+ norm is 6\.\d points \(\d\.\d to \d\.\d\) above Batch norm", words
    )


def test_several_places_below_each_other_are_named_once():
    def early(job):
        one = job.experiment
        fall = {2: 0.2, 8: 0.1}.get(one.micro_batch, 0) if one.method == "batch" else 0
        return lively(job) - fall

    words = said(table(early, seeds=SEEDS))
    assert "Batch norm loses accuracy at m = 8 and below: at m = 2 it is 26." in words


def test_two_that_break_are_both_named():
    def both(job):
        one = job.experiment
        broken = one.micro_batch == 2 and one.method == "kalman"
        return lively(job) - (0.1 if broken else 0)

    words = said(table(both, seeds=SEEDS))
    assert "Kalman norm loses accuracy at m = 2" in words
    assert "So does Batch norm at m = 2" in words


def test_with_one_seed_nothing_is_put_in_order():
    words = said(table(lively, seeds=(0,)))
    assert words.startswith(ONE_SEED)
    assert "3 or more" in words
    for forbidden in ("break", "above", "below", "best", "better", "worse"):
        assert forbidden not in words
    assert plain(pairs(table(lively, seeds=(0,)), AT, "batch")) == ONE_SEED


def test_before_the_second_seed_ends_nothing_is_compared_either():
    first = table(lambda job: lively(job) if job.experiment.seed == 0 else None)
    assert said(first).startswith("The first seed is under way")
    assert "two seeds that have ended" in pairs(first, AT, "batch")


def test_chance_is_not_told_as_news():
    def noise(job):
        one = job.experiment
        return 0.9 + 0.01 * ((31 * one.seed + 17 * one.micro_batch + len(one.method) ** 3) % 7)

    words = said(table(noise, seeds=SEEDS))
    assert "no method can be told from itself" in words
    assert "above" not in words
    assert "With 8 seeds" in words


def test_methods_without_two_seeds_at_their_largest_m_are_not_held_against_it_yet():
    def under_way(job):
        one = job.experiment
        return lively(job) if one.seed == 0 or (one.seed == 1 and one.micro_batch < 64) else None

    words = said(table(under_way))
    assert "largest m" not in words
    assert words == "Nothing here can be told from chance yet."


def test_methods_that_never_look_at_other_images_do_not_break():
    words = said(table(lively, methods=("group", "layer")), baseline="group")
    assert "None of these methods looks at other images" in words


def test_one_place_and_one_method_have_nothing_to_say():
    made = table(lively, methods=("batch",), micro_batches=(2,))
    assert said(made) == "Nothing here can be told from chance yet."
    assert "nothing to be compared with" in pairs(made, AT, "batch")


def test_before_the_first_run_ends_it_says_what_happens():
    nothing = table(lambda job: None)
    assert said(nothing, moving=True).startswith("27 networks are trained from the same initial")
    assert said(nothing) == "Of this part of the sweep nothing has been trained."


def test_diverged_runs_are_mentioned():
    words = said(table(lambda job: float("nan") if job.experiment.seed == 1 else lively(job)))
    assert "9 runs diverged; that counts as guessing." in words


def test_names_in_the_sentence_are_no_markup():
    assert "<script" not in sentence(table(lively, seeds=SEEDS), AT, "batch", False)


def test_the_table_of_pairs_says_what_the_statistics_say():
    html = pairs(table(lively, seeds=SEEDS), AT, "batch")
    rows = re.findall(r"<tr.*?</tr>", html)[1:]
    assert len(rows) == 6
    assert re.search(r"\+6\.\d\d", rows[0])
    assert "better" in rows[0]
    cells = [plain(cell) for cell in re.findall(r"<td.*?</td>", rows[0])]
    assert (cells[3], cells[-2:]) == ("better", ["8 – 0", "8"])  # the verdict first: on a narrow
    # page the last columns have to be scrolled to
    assert "no difference shown" in rows[-1]
    assert "corrected for the 6 comparisons" in html


@pytest.mark.parametrize(
    ("p", "text"), [(0.00001, "< 0.001"), (0.0123, "0.012"), (0.5, "0.50"), (1.0, "1.00")]
)
def test_p_is_written_with_the_digits_that_matter(p, text):
    assert chance(p) == text


def test_a_difference_has_a_real_sign():
    assert (signed(0.0298), signed(-0.0298)) == ("+2.98", "−2.98")


def test_misfits_share_their_reasons():
    made = table(lively, micro_batches=(2, 3, 5))
    words = left_out(made.sweep.misfits, {"batch": "Batch norm"})
    assert words.startswith("Left out: Batch norm at m = 3, group at m = 3")
    assert words.count("micro_batch must divide batch=64, got 3") == 1
    assert left_out((), {}) == ""


def test_of_many_the_first_are_named():
    assert few(list("abcdef")) == ["a", "b", "c", "d", "2 more"]
    assert few(list("abcd")) == list("abcd")
