"""The form: what it offers, and the Race that the settings describe."""

import pytest

from app import address, forms, options
from bkn.cards import Param
from bkn.catalog import METHODS
from bkn.entrants import parse_entrant


def test_entrants_offer_every_method_and_the_words_that_are_worth_a_race():
    offered = forms.entrants()
    assert set(METHODS) <= set(offered)
    assert {"kalman:gain=learned", "kalman:transition=sampled"} <= {*offered}
    assert "batch:running=first" not in offered
    for text in offered:
        parse_entrant(text)  # each is allowed


def test_an_entrant_reads_in_words_and_a_wrong_one_as_it_was_written():
    assert forms.entrant_words("kalman:gain=learned") == "Kalman norm, gain learned"
    assert forms.entrant_words("batchh") == "batchh"
    assert forms.entrant_words("kalman:gain=9") == "kalman:gain=9"


def test_options_apply_to_the_entrants_that_name_none():
    values = address.DEFAULTS | {
        "methods": ["batch", "kalman", "kalman:transition=sampled"],
        "kalman_gain": 0.3,
        "convnet_depth": 4,
    }
    race = forms.build(values)
    assert [e.options.get("gain") for e in race.experiments] == [None, 0.3, 0.1]
    assert race.common.network_options["depth"] == 4


def test_copies_and_their_order_reach_the_race():
    values = address.DEFAULTS | {"copies": 4, "layout": "copy_major", "micro_batch": 128}
    common = forms.build(values).common
    assert (common.copies, common.layout, common.micro_batch) == (4, "copy_major", 128)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"methods": ["batchh"]}, "unknown method 'batchh'; known: none, batch"),
        ({"methods": []}, "methods must name 1 to 8 entrants, got 0"),
        ({"methods": ["batch", "batch"]}, "methods names 'batch' twice"),
        ({"micro_batch": 3}, "micro_batch must divide batch=64, got 3"),
        ({"copies": 3, "micro_batch": 5}, "micro_batch must divide batch x copies = 64 x 3, got 5"),
        ({"lr": -1.0}, "lr must be a number in"),
        ({"batch": 2048}, "batch must be at most the 1350 training images of digits, got 2048"),
    ],
)
def test_what_does_not_fit_is_refused_in_the_words_of_the_library(change, words):
    with pytest.raises(ValueError, match=words.replace("[", r"\[")):
        forms.build(address.DEFAULTS | change)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((64, 2), "(64, 2): as on 32 devices with 2 images each"),
        ((64, 1), "(64, 1): as on 64 devices with 1 image each"),
        ((64, 64), "(64, 64): one device, all images share one statistic"),
        ((64, 3), "(64, 3): does not fit, 3 must divide 64"),
        ((64, 2, 4), "(64 × 4, 2): as on 128 devices with 2 images each"),
        ((64, 256, 4), "(64 × 4, 256): one device, all images share one statistic"),
        ((64, 3, 4), "(64 × 4, 3): does not fit, 3 must divide 64 × 4"),
    ],
)
def test_devices_say_what_the_two_sizes_mean(pair, words):
    assert forms.devices(*pair) == words


def test_the_slider_of_an_option_holds_its_range_its_value_and_its_words():
    stops = options.stops(Param("gain", 0.1, "", 0.0, 1.0, ("learned",)), 0.123)
    assert stops[0] == 0
    assert stops[-2:] == [1, "learned"]
    assert 0.123 in stops


def test_an_option_that_is_a_whole_number_or_a_word_has_a_slider_too():
    stops = options.stops(Param("domains", "auto", "", 1, 16, ("auto",), integer=True), "auto")
    assert stops == [*range(1, 17), "auto"]
    assert all(isinstance(stop, int) for stop in stops[:-1])


def test_speeds_read_in_words():
    assert forms.speed_words("full") == "as fast as it goes"
    assert forms.speed_words(1) == "1 step a second"
    assert forms.speed_words(20) == "20 steps a second"


def test_a_share_of_the_steps_says_which_step_it_is():
    card = METHODS["batch_renorm"]
    start = next(param for param in card.params if param.name == "start")
    rmax = next(param for param in card.params if param.name == "rmax")
    value = (address.DEFAULTS | {"epochs": 4, "batch_renorm_start": 0.25}).__getitem__
    assert options.option_label(card, start, value) == "Batch renorm: start (step 21 of 84)"
    assert options.option_label(card, rmax, lambda name: 3.0) == "Batch renorm: rmax"


def test_a_slider_for_what_lies_on_its_stops_and_a_typed_number_for_small_rates():
    drawn = {}

    def draw(kind, name, *_, **__):
        drawn[name] = kind.__name__

    coarse = Param("gain", 0.1, "Help.", 0.0, 1.0)
    fine = Param("rate", 0.013, "Help.", 0.0, 1.0)
    whole = Param("count", 4, "Help.", 1, 512, integer=True)
    word = Param("kind", "a", "Help.", choices=("a", "b"))
    for param in (coarse, fine, whole, word):
        options.option(draw, param.name, "", param, param.default)
    assert drawn == {
        "gain": "select_slider", "rate": "number_input", "count": "number_input",
        "kind": "selectbox",
    }  # fmt: skip
