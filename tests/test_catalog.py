"""Cards are complete, and their parameters refuse what is not allowed."""

import pickle
import re
from urllib.parse import urlparse

import pytest

import bkn
from bkn.cards import AXES, FAMILIES, Card, MethodCard, Param, load
from bkn.catalog import DATASETS, METHODS, NETWORKS

CARDS: list[Card] = [*METHODS.values(), *NETWORKS.values(), *DATASETS.values()]
every_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.key)
every_method = pytest.mark.parametrize("card", METHODS.values(), ids=METHODS.keys())
GAIN = Param("gain", 0.1, "", 0.0, 1.0, ("learned",))
COUNT = Param("count", 4, "", 1, 8, integer=True)

KEYS = """
    none batch kalman group_kalman batch_renorm group layer instance positional batch_group frn ic
    cross_iteration memorized instance_enhanced proxy moving_average switchable evonorm_s0
    weight_rescaling norm_free preconditioned domain
"""
SENTENCE_ENDS = re.compile(r"[.!?](?:\s|$)")
HOSTS = {
    "arxiv.org",
    "openreview.net",
    "jmlr.org",
    "proceedings.mlr.press",
    "openaccess.thecvf.com",
}
STYLES = re.compile(r"solid|dot|(long)?dash(dot)?|\d+px,\d+px(,\d+px,\d+px)*")
HEX = re.compile(r"#[0-9A-F]{6}")


def is_text(words: str) -> bool:
    """A capital letter in front, a full stop behind, no space too many."""
    return bool(re.fullmatch(r"['A-Z0-9].*[^\s.]\.", words)) and "  " not in words


@every_card
def test_card_loads_and_its_defaults_are_allowed(card):
    assert callable(card.load())
    if not getattr(card, "finder", ""):
        assert card.complete({}) == {param.name: param.default for param in card.params}
    assert card.title
    assert is_text(card.idea)
    assert all(is_text(param.help) for param in card.params)
    assert len({param.name for param in card.params}) == len(card.params)


@every_card
def test_parameters_are_of_one_kind(card):
    for param in card.params:
        assert (param.low is None) == (param.high is None), param.name
        assert param.low is not None or len(param.choices) > 1, param.name
        assert param.low is None or param.low < param.high, param.name
        if param.of_steps:
            assert 0 <= param.low < param.high <= 1, param.name
            assert not param.choices, param.name
            assert not param.integer, param.name


def test_the_catalogue_is_complete():
    assert sorted(METHODS) == sorted(KEYS.split())


@every_method
def test_the_idea_of_a_method_has_three_sentences(card):
    assert len(SENTENCE_ENDS.findall(card.idea)) == 3


@every_method
def test_method_names_its_paper(card):
    if card.family == "control":
        return
    assert urlparse(card.link).scheme == "https"
    assert urlparse(card.link).hostname.removeprefix("www.") in HOSTS
    assert "/pdf/" not in card.link
    assert 2012 <= card.year <= 2025
    authors, _, year = card.paper.rpartition(" ")
    assert authors
    assert year == str(card.year)
    if "arxiv" in card.link:
        number = re.fullmatch(r"https://arxiv\.org/abs/(\d\d)\d\d\.\d{4,5}", card.link)
        assert number
        assert abs(card.year - (2000 + int(number[1]))) <= 2  # the journal may have its own pace


@every_method
def test_method_says_what_it_does(card):
    assert card.family in FAMILIES
    assert card.equations
    for words in (card.training, card.evaluation, card.stands):
        assert is_text(words), words
    assert not card.note or is_text(card.note)
    assert card.stores
    assert card.stores[0].islower()
    assert not card.stores.endswith(".")


@every_method
def test_equations_can_be_drawn(card):
    """As far as counting goes: brackets and environments are closed, and no text is outside."""
    for equation in card.equations:
        bare = equation.replace(r"\{", "").replace(r"\}", "")
        assert bare.count("{") == bare.count("}"), equation
        left, right = (re.findall(rf"\\{side}(?![a-z])", equation) for side in ("left", "right"))
        assert len(left) == len(right), equation
        assert equation.count(r"\begin") == equation.count(r"\end"), equation
        assert "$" not in equation
        assert equation == equation.strip()


@every_method
def test_what_a_statistic_runs_over_fits_the_other_facts(card):
    shares = set(card.shares)
    assert shares <= set(AXES)
    assert len(shares) == len(card.shares)
    assert card.batch_statistics == ("images" in shares or "domain" in shares)
    assert ("below" in shares) == card.uses_prior
    assert ("past" in shares) == card.remembers
    assert card.batch_statistics or not card.estimates
    assert not card.has_gain or card.uses_prior


@every_method
def test_what_is_stored_fits_the_other_facts(card):
    """Evaluation never looks at its batch, so it needs something else."""
    if card.batch_statistics or card.remembers:
        assert card.stores != "nothing"
        assert card.evaluation != "The same as training."


@every_method
def test_placement_and_wrapper_exist(card):
    assert callable(load(card.placement))
    assert not card.wrapper or callable(load(card.wrapper))
    if card.placement == MethodCard.placement:
        assert card.stands == MethodCard.stands


@every_method
def test_what_is_live_can_be_set(card):
    """A live option is an attribute of the layer, under its own name."""
    from bkn.normalizers.build import build_norm

    norm = build_norm(card.key, 8)
    for param in card.params:
        if param.live:
            setattr(norm, param.name, param.default)
            assert getattr(norm, param.name) == param.default


@every_method
def test_colours_can_be_drawn(card):
    assert len(card.colors) >= 2
    assert len(set(card.colors)) == len(card.colors)
    assert all(HEX.fullmatch(color) for color in card.colors)
    assert STYLES.fullmatch(card.dash)


def test_no_two_methods_look_alike():
    looks = [(card.colors[0], card.dash) for card in METHODS.values()]
    assert len(set(looks)) == len(METHODS)


def test_no_two_methods_have_the_same_words():
    for words in (lambda card: card.title, lambda card: card.idea, lambda card: card.target):
        assert len({words(card) for card in METHODS.values()}) == len(METHODS)


def test_methods_stand_by_family_and_year():
    order = [(list(FAMILIES).index(card.family), card.year) for card in METHODS.values()]
    assert order == sorted(order)
    assert all(card.key == key for key, card in METHODS.items())


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


@pytest.mark.parametrize("card", DATASETS.values(), ids=DATASETS)
def test_the_card_of_a_dataset_travels_between_processes(card):
    assert pickle.loads(pickle.dumps(card)) == card
