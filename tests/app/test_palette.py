"""Every colour can be seen in both themes, and every entrant has its own."""

import pytest

from app import palette
from bkn.catalog import METHODS
from bkn.experiment import Race


@pytest.mark.parametrize("color", sorted({c for card in METHODS.values() for c in card.colors}))
def test_lines_and_words_are_legible_in_both_themes(color):
    for ratio in (3.0, 4.5):
        for shade, paper in zip(palette.legible(color, ratio), palette.PAPER, strict=True):
            assert palette.contrast(shade, paper) >= ratio


def test_a_colour_that_is_legible_already_stays():
    assert palette.legible("#0072B2", 3.0)[0] == "#0072B2"


def test_contrast_of_black_and_white_is_21():
    assert palette.contrast("#000000", "#FFFFFF") == pytest.approx(21)


def test_the_second_entrant_of_a_method_takes_its_second_colour():
    first, batch, second = palette.inks(Race.of(["kalman", "batch", "kalman:gain=learned"]))
    colors = METHODS["kalman"].colors
    assert first.line == palette.legible(colors[0], 3.0)
    assert second.line == palette.legible(colors[1], 3.0)
    assert batch.line == palette.legible(METHODS["batch"].colors[0], 3.0)
    assert (first.dash, batch.dash) == (METHODS["kalman"].dash, METHODS["batch"].dash)


def test_words_of_an_entrant_are_more_legible_than_its_line():
    for ink in palette.inks(Race.of(["batch", "kalman", "kalman:gain=learned"])):
        for shade, paper in zip(ink.text, palette.PAPER, strict=True):
            assert palette.contrast(shade, paper) >= 4.5


def test_experiments_without_a_race_are_drawn_as_those_of_one():
    race = Race.of(["batch", "kalman"])
    assert palette.inks(race.experiments) == palette.inks(race)
    assert palette.tokens(race.experiments) == palette.tokens(race)


def test_more_entrants_than_colours_start_over():
    gains = [f"kalman:gain={i / 10}" for i in range(2, 8)]
    assert len(palette.inks(Race.of(gains))) == 6


def test_tokens_name_lines_and_words_of_every_entrant():
    named = palette.tokens(Race.of(["batch", "kalman"]), {"more": ("#000000", "#FFFFFF")})
    assert set(named) == {"e0", "t0", "e1", "t1", "more"}


@pytest.mark.parametrize("theme", [0, 1])
def test_layers_and_heat_change_in_lightness_and_in_one_direction(theme):
    for tokens in (palette.ramp(12), palette.HEAT_TOKENS):
        light = [palette.luminance(pair[theme]) for pair in tokens.values()]
        assert light == sorted(light, reverse=theme == 0)
        assert len(set(light)) == len(light)


def test_a_single_layer_has_a_colour():
    assert list(palette.ramp(1)) == ["r0"]
