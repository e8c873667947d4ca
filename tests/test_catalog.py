"""Cards are complete, and their parameters refuse what is not allowed."""

from urllib.parse import urlparse

import pytest

import bkn
from bkn.cards import Card, Param
from bkn.catalog import DATASETS, METHODS, NETWORKS

CARDS: list[Card] = [*METHODS.values(), *NETWORKS.values(), *DATASETS.values()]
every_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.key)
GAIN = Param("gain", 0.1, "", 0.0, 1.0, ("learned",))
COUNT = Param("count", 4, "", 1, 8, integer=True)


@every_card
def test_card_loads_and_its_defaults_are_allowed(card):
    assert callable(card.load())
    assert card.complete({}) == {param.name: param.default for param in card.params}
    assert card.title
    assert card.idea.endswith(".")
    assert all(param.help.endswith(".") for param in card.params)


@pytest.mark.parametrize("card", METHODS.values(), ids=METHODS.keys())
def test_method_names_its_paper_and_its_colours(card):
    assert card.key == "none" or urlparse(card.link).hostname == "arxiv.org"
    assert card.colors
    assert all(len(color) == 7 and color[0] == "#" for color in card.colors)


def test_no_two_methods_share_a_first_colour_or_dash():
    for attribute in (lambda card: card.colors[0], lambda card: card.dash):
        assert len({attribute(card) for card in METHODS.values()}) == len(METHODS)


def test_public_functions_give_the_cards():
    assert bkn.methods() == METHODS
    assert bkn.networks() == NETWORKS
    assert bkn.datasets() == DATASETS


@pytest.mark.parametrize(("value", "expected"), [(0.5, 0.5), ("0.5", 0.5), ("learned", "learned")])
def test_param_takes_numbers_texts_and_choices(value, expected):
    assert GAIN.check(value, "kalman") == expected


@pytest.mark.parametrize("value", [1.4, -0.1, "much", None, True, float("nan"), float("inf"), []])
def test_param_refuses_with_field_value_and_what_is_allowed(value):
    with pytest.raises(ValueError, match="kalman option gain must be a number in") as refused:
        GAIN.check(value, "kalman")
    assert repr(value) in str(refused.value)
    assert "'learned'" in str(refused.value)


def test_whole_numbers_stay_whole():
    assert COUNT.check("4", "group") == 4
    assert isinstance(COUNT.check(4.0, "group"), int)
    with pytest.raises(ValueError, match="a whole number in"):
        COUNT.check(4.5, "group")


def test_unknown_option_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="group has no option 'gain'; its options: groups"):
        METHODS["group"].complete({"gain": 0.1})
    with pytest.raises(ValueError, match="must map names to values"):
        METHODS["group"].complete([1])
