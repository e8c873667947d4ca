"""The sentence says what stands out, from the most to the least striking, and only what is so."""

import re

import numpy as np
import pytest

from app.palette import inks
from app.sentence import plain_words
from bkn.experiment import Race
from tests.app.fake_cache import FakeCache, lively


def said(cache):
    """The sentence without its markup."""
    return re.sub(r"<[^>]+>", "", plain_words(cache))


def blank(*entrants, **common):
    return FakeCache(Race.of(entrants or ("batch", "group", "kalman"), **common))


def probed(factors, *entrants, **common):
    """A race whose only numbers are factors per layer: {position: {layer: factor}}."""
    cache = blank(*entrants, **common)
    for position, layers in factors.items():
        for layer, factor in layers.items():
            cache.put(position, f"{layer}/var_error_posterior", [10], [np.log(factor) ** 2])
    return cache


def lossy(train, test, *entrants, accuracy=0.97):
    """A race half done, with these training and test losses of the first entrant."""
    cache = blank(*(entrants or ("batch", "group")))
    half = cache.race.common.steps // 2
    cache.put(0, "loss", range(half + 1), [train] * (half + 1))
    cache.put(0, "test_loss", [half], [test])
    cache.put(0, "test_accuracy", [half], [accuracy])
    return cache


def test_before_the_first_numbers_it_says_what_to_expect():
    assert said(blank()).startswith("Three networks start from the same weights")
    assert said(blank("batch")) == "Batch norm starts now, on micro-batches of 2 images."
    assert "statistics from 1 image:" in said(blank(micro_batch=1))


@pytest.mark.parametrize(
    ("common", "words"),
    [
        ({"copies": 4}, "2 copies of one image"),
        ({"copies": 4, "layout": "copy_major"}, "2 images"),
        ({"copies": 3}, "2 images"),  # some micro-batches hold two images
    ],
)
def test_statistics_of_copies_are_named_as_such(common, words):
    assert said(blank("batch", **common)) == f"Batch norm starts now, on micro-batches of {words}."


def test_a_failure_is_heard_before_everything_else():
    cache = lively()
    cache.mark(0, status="diverged", step=5)
    cache.mark(1, status="failed", step=9, message="The worker was killed <9>.")
    assert plain_words(cache).endswith(": The worker was killed &lt;9&gt;.")
    assert said(cache).startswith("The race failed at step ")


def test_a_failure_without_words_is_still_a_sentence():
    cache = blank()
    cache.mark(0, status="failed", step=1200)
    assert said(cache) == "The race failed at step 1,200."


def test_a_network_that_only_guesses_is_named():
    cache = lossy(2.31, 2.30, "none", accuracy=0.098)
    cache.mark(0, step=60)
    assert said(cache) == (
        "No norm has learned nothing by step 60: 9.8 % of the test images right, as good as "
        "guessing one of 10 classes. The learning rate of 0.05 may be too much for it."
    )


def test_early_in_a_race_guessing_is_no_news():
    cache = blank("none", epochs=10)
    cache.mark(0, step=20)
    cache.put(0, "test_accuracy", [20], [0.1])
    assert "learned nothing" not in said(cache)


def test_an_interruption_is_said():
    cache = blank()
    cache.mark(0, status="interrupted", step=7)
    assert said(cache) == ("The race was interrupted at step 7; nothing moves until it is resumed.")


@pytest.mark.parametrize(
    ("entrants", "gone", "expected"),
    [
        (("batch",), [0],
         "Batch norm diverged at step 10: its loss exploded. The learning rate was 5."),
        (("batch", "group"), [0],
         "Batch norm diverged at step 10: its loss exploded. The other one did not."),
        (("batch", "group", "layer", "none"), [0, 1],
         "Batch norm and Group norm diverged at steps 10 and 11: their losses exploded. "
         "The other two did not."),
        (("batch", "group"), [0, 1],
         "Both networks diverged, the last at step 11: the learning rate of 5 is too much for "
         "them."),
    ],
)  # fmt: skip
def test_divergence(entrants, gone, expected):
    cache = blank(*entrants, lr=5)
    for position in gone:
        cache.mark(position, status="diverged", step=10 + position)
    assert said(cache) == expected


def test_the_learning_rate_named_is_the_one_last_set():
    cache = blank("batch")
    cache.event(3, "lr", value=0.5)
    cache.mark(0, status="diverged", step=4)
    assert said(cache).endswith("The learning rate was 0.5.")


def test_a_training_loss_far_above_the_test_loss_is_the_train_eval_gap():
    assert said(lossy(0.77, 0.07)) == (
        "With statistics from 2 images, Batch norm has a training loss 11 times its test loss "
        "(0.77 against 0.07 nats, 97.0 % of the images right): training feels the noise of small "
        "batches, testing uses running statistics."
    )


def test_the_noise_of_small_batches_is_not_blamed_where_no_other_image_is_seen():
    assert "noise" not in said(lossy(0.77, 0.07, "group", "batch"))


def test_a_bad_test_loss_is_said_but_ordinary_overfitting_is_not():
    assert said(lossy(0.1, 2.5, accuracy=0.3)) == (
        "Batch norm does worse on new images: a loss of 2.50 nats against 0.10 in training, "
        "30.0 % of the images right."
    )
    assert "worse" not in said(lossy(0.001, 0.06))


def test_equal_losses_and_early_ones_are_no_gap():
    assert "against" not in said(lossy(0.1, 0.09))
    early = blank("batch", epochs=1000)
    early.put(0, "loss", range(20), [2.0] * 20)
    early.put(0, "test_loss", [10], [0.1])
    assert "against" not in said(early)


def test_a_method_that_misjudges_is_held_against_the_better_one():
    cache = probed({0: {"layer1": 1.1, "layer6": 2.1}, 2: {"layer1": 1.1, "layer6": 6.4}})
    assert said(cache) == (
        "With statistics from 2 images, Kalman norm misjudges the variance of layer6 by a factor "
        "of 6.4; Batch norm is nowhere off by more than 2.1."
    )
    assert inks(cache.race)[2].css in plain_words(cache)


@pytest.mark.parametrize(
    ("factors", "entrants", "ending"),
    [
        ({0: {"a": 2.0}, 1: {"a": 1.05}}, ("batch", "kalman"),
         "; Kalman norm is nearly exact in every layer."),
        ({0: {"a": 2.0}, 1: {"a": 1.95}}, ("batch", "kalman"), "; Kalman norm does little better."),
        ({0: {"a": 2.0}, 1: {"a": 1.95}, 2: {"a": 1.9}},
         ("batch", "kalman", "kalman:gain=learned"), "; the others do little better."),
        ({0: {"a": 1.2, "b": 2.0}}, ("batch", "group"), " of b by a factor of 2.0; its best layer "
         "is off by 1.2."),
        ({0: {"a": 2.0}}, ("batch",), "misjudges the variance of a by a factor of 2.0."),
        ({0: {"a": 1.1}}, ("batch",), "'s variance estimates are nearly exact, off by a factor of "
         "1.10 at most."),
        ({0: {"a": 1.1}, 1: {"a": 1.02}}, ("batch", "kalman"),
         ", all variance estimates are nearly exact, off by a factor of 1.10 at most."),
    ],
)  # fmt: skip
def test_endings_of_the_estimates(factors, entrants, ending):
    assert said(probed(factors, *entrants)).endswith(ending)


def test_the_images_named_are_those_of_the_micro_batch_in_force():
    cache = probed({0: {"a": 2.0}}, "batch")
    cache.event(5, "micro_batch", value=8)
    assert said(cache).startswith("With statistics from 8 images")


def test_without_estimates_the_best_on_test_images_is_named():
    cache = blank("group", "layer")
    for position, accuracy in enumerate((0.91, 0.957)):
        cache.put(position, "test_accuracy", [20], [accuracy])
    assert said(cache) == (
        "After 20 steps, Layer norm recognises most test images, 95.7 %; Group norm the fewest, "
        "91.0 %."
    )
    cache.put(0, "test_accuracy", [20], [0.957])
    assert said(cache) == "After 20 steps all recognise 95.7 % of the test images."


def test_a_single_entrant_is_compared_with_nobody():
    cache = blank("group")
    cache.put(0, "test_accuracy", [1], [0.1])
    assert said(cache) == "After 1 step, Group norm recognises 10.0 % of the test images."


def test_before_the_first_test_the_lowest_loss_is_named():
    cache = blank("group", "layer")
    cache.put(0, "loss", [1, 2], [2.3, 2.2])
    assert said(cache) == "After 2 steps, Group norm has a training loss of 2.25 nats."
    cache.put(1, "loss", [1, 2], [2.3, 1.7])
    assert said(cache) == "After 2 steps, Layer norm has the lowest training loss, 2.00 nats."


@pytest.mark.parametrize("done", [0.001, 0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("probe", ["off", "light"])
def test_there_is_always_one_sentence_to_say(done, probe):
    words = said(lively(done=done, probe=probe))
    assert words.endswith(".")
    assert "nan" not in words
    assert len(words) < 240
