"""The strip of cards: what each entrant has reached, in words and in its colour."""

import re

import pytest

from app.cards import cards, columns
from app.palette import inks
from bkn.experiment import Race
from tests.app.fake_cache import FakeCache, lively


def texts(cache):
    """What each card says."""
    html = re.sub(r"<style>.*?</style>", "", cards(cache), flags=re.S)
    parts = re.split(r'<section class="bkn-card"[^>]*>', html)[1:]
    return [" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in parts]


def test_a_card_says_accuracy_loss_estimates_pace_and_status():
    cache = lively()
    batch, group, *_ = texts(cache)
    accuracy = 100 * cache.latest(0, "test_accuracy")
    assert batch.startswith(f"Batch norm {accuracy:.1f} % running 3.8 ms/step loss 0.")
    assert re.search(r"estimates ×1\.\d off$", batch)
    assert group.endswith("nothing to estimate")


def test_the_final_accuracy_is_that_of_the_summary():
    cache = lively(("batch",))
    cache.mark(0, status="finished", summary={"test_accuracy": 0.5})
    assert texts(cache)[0].startswith("Batch norm 50.0 % finished")


def test_before_the_first_numbers():
    assert texts(FakeCache(Race.of(["batch"]))) == ["Batch norm – running no numbers yet"]


@pytest.mark.parametrize("status", ["diverged", "failed", "interrupted"])
def test_what_went_wrong_is_said_with_its_step_and_stands_out(status):
    cache = lively(("batch", "group"))
    cache.mark(0, status=status, step=1234, message='said "so" <b>')
    html = cards(cache)
    assert f'<span class="bad">{status} at step 1,234</span>' in html
    assert 'title="said &quot;so&quot; &lt;b&gt;"' in html
    assert "ms/step" not in texts(cache)[0]
    assert html.count('class="bad"') == 1


def test_losses_that_are_no_numbers_do_not_break_a_card():
    cache = FakeCache(Race.of(["batch"]))
    cache.put(0, "loss", [1, 2], [float("nan"), float("inf")])
    cache.put(0, "test_accuracy", [2], [float("nan")])
    assert texts(cache) == ["Batch norm – running no numbers yet"]


def test_every_card_wears_its_colour():
    cache = lively()
    html = cards(cache)
    assert all(ink.css_line in html for ink in inks(cache.race))


@pytest.mark.parametrize("count", range(1, 9))
def test_rows_of_cards_are_nearly_full(count):
    assert columns(count) <= 4
    assert -count % columns(count) <= 2
