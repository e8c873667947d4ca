"""The Methods page without a browser: every card can be read, wrong links are said in words."""

import time
from functools import partial

import pytest

from app.address import read, write
from app.methods import costs, link
from app.methods.gallery import first_sentence
from bkn.cards import FAMILIES, Param
from bkn.catalog import METHODS
from bkn.engine.measuring import Measuring, Progress
from bkn.store.costs import Cost
from bkn.store.writer import Writer
from tests.app.conftest import ROOT
from tests.app.reading import said, text

COST = Cost(
    method="frn", network="convnet", batch=64, micro_batch=2, device="cpu", threads=2,
    ratio=1.24, step_ms=3.1, baseline_ms=2.5, rounds=60, machine="box", measured_at=1e9,
)  # fmt: skip


class NotingMeasuring(Measuring):
    """Starts no process."""

    def __init__(self):
        self.asked, self.refusal, self.shown = [], "", Progress()

    @property
    def progress(self):
        return self.shown

    def start(self, keys):
        if self.refusal:
            raise ValueError(self.refusal)
        self.asked.append(list(keys))

    def cancel(self):
        self.asked.append("cancel")


@pytest.fixture
def measuring(monkeypatch):
    noting = NotingMeasuring()
    monkeypatch.setattr(costs, "measuring", lambda: noting)
    return noting


@pytest.fixture
def methods_page(open_page, measuring):
    """Open the page with an address."""
    return partial(open_page, "methods")


def test_every_method_has_its_tile_and_every_family_its_heading(methods_page):
    page = methods_page()
    words = text(page)
    for card in METHODS.values():
        assert page.button(key=f"open_{card.key}").label == card.title
    for family in {card.family for card in METHODS.values()}:
        assert FAMILIES[family] in words
    assert words.count("<svg") == len(METHODS) + 1


def test_the_page_is_quick(methods_page):
    page = methods_page()
    began = time.process_time()
    page.run()
    assert time.process_time() - began < 1.5


@pytest.mark.parametrize("card", METHODS.values(), ids=METHODS)
def test_a_method_in_full_says_all_that_its_card_knows(methods_page, card):
    page = methods_page(method=card.key)
    words = text(page).replace("&#x27;", "'").replace("&amp;", "&").replace("&quot;", '"')
    assert len(page.latex) == len(card.equations)
    for fact in (card.idea, card.training, card.evaluation, card.stands, card.note, card.paper):
        assert fact in words
    assert card.link in words
    for param in card.params:
        assert param.help in words
        assert param.allowed[1:] in words
    assert ("share of the planned steps" in words) == any(p.of_steps for p in card.params)


def test_a_click_opens_a_method_and_the_address_holds_it(methods_page):
    page = methods_page()
    page.button(key="open_group").click().run()
    assert page.query_params["method"] in ("group", ["group"])
    assert METHODS["group"].idea in text(page)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ({"method": "frnn"}, "unknown method 'frnn'; known: none, batch"),
        ({"show": "cheap"}, "show must be one of no-batch, remembers"),
        ({"metod": "frn"}, "sets 'metod', which this page does not know"),
    ],
)
def test_a_wrong_link_is_said_in_words(methods_page, url, words):
    assert words in said(methods_page(**url))


def test_a_filter_leaves_what_passes_and_stands_in_the_address(methods_page):
    page = methods_page(show="remembers")
    shown = {b.key.removeprefix("open_") for b in page.button if (b.key or "").startswith("open_")}
    assert shown == {key for key, card in METHODS.items() if card.remembers}
    assert page.query_params["show"] in ("remembers", ["remembers"])


def test_a_known_cost_is_shown_with_when_and_on_what(methods_page, supervisor):
    with Writer(supervisor.path) as writer, writer.transaction():
        writer.add_cost(COST)
    words = text(methods_page(method="frn"))
    assert "1.24 ×" in words
    assert "3.1 ms" in words
    assert "2 threads, 9 Sep 2001" in words


def test_the_buttons_measure_one_or_all(methods_page, measuring):
    page = methods_page(method="frn")
    page.button(key="measure").click().run()
    page.button(key="measure_all").click().run()
    assert measuring.asked == [["frn"], list(METHODS)]


def test_while_one_is_measured_the_page_says_which_and_offers_to_cancel(
    methods_page, measuring, supervisor
):
    from bkn.experiment import Race

    race_id = supervisor.start(Race.of(["batch"]))
    supervisor.mark(race_id, "running")
    measuring.shown = Progress(True, "frn", 3, 23)
    page = methods_page()
    assert f"{METHODS['frn'].title}, 3 of 23" in text(page)
    assert page.button(key="measure").disabled
    assert "A race is running on this machine" in said(page)
    page.button(key="measure_cancel").click().run()
    assert measuring.asked == ["cancel"]


def test_a_failure_and_a_refusal_are_said_in_words(methods_page, measuring):
    measuring.shown = Progress(failures={"frn": "it is too cold"})
    page = methods_page()
    assert f"{METHODS['frn'].title} could not be measured: it is too cold" in said(page)
    measuring.refusal = "a measurement is under way"
    page.button(key="measure").click().run()
    assert "a measurement is under way" in said(page)


@pytest.mark.parametrize("card", METHODS.values(), ids=METHODS)
def test_race_this_leads_to_settings_that_a_link_holds_and_a_race_takes(card):
    from app import address, forms

    settings = link.race_settings(card)
    back, wrong = read(write(settings))
    assert not wrong
    everything = {name: address.default(name) for name in (*address.DEFAULTS, *address.OPTIONS)}
    race = forms.build(everything | back)
    methods = [experiment.method for experiment in race.experiments]
    assert methods == list(dict.fromkeys((link.BASELINE, card.key)))
    if card.takes_domains:
        assert race.common.dataset_options["styles"] == "four"


def test_race_this_opens_the_race_page_with_the_method_chosen(methods_page, supervisor):
    page = methods_page(method="frn")
    page.button(key="race_this").click().run()
    assert not page.exception
    assert page.multiselect(key="methods").value == [link.BASELINE, "frn"]
    page.button(key="start").click().run()
    assert [e.method for e in supervisor.sent[-1][1].experiments] == [link.BASELINE, "frn"]


def test_settings_of_the_race_outlive_a_look_at_the_methods(page, measuring, supervisor):
    page.query_params["seed"] = "7"
    page.run()
    page.switch_page(str(ROOT / "pages" / "methods.py")).run()
    page.query_params.clear()
    page.switch_page(str(ROOT / "pages" / "race.py")).run()
    assert not page.exception
    page.button(key="start").click().run()
    assert supervisor.sent[-1][1].common.seed == 7


def test_what_a_link_hides_stays_hidden_after_a_look_at_the_methods(page, measuring):
    page.query_params["hide"] = "seed"
    page.run()
    page.switch_page(str(ROOT / "pages" / "methods.py")).run()
    page.query_params.clear()
    page.switch_page(str(ROOT / "pages" / "race.py")).run()
    assert "seed" not in [widget.key for widget in page.number_input]
    assert "seed" in page.query_params["hide"]


def test_first_sentence_is_one():
    for card in METHODS.values():
        assert first_sentence(card).count(". ") == 0


def test_a_share_of_the_steps_is_explained():
    from app.methods.sheet import explained

    param = Param("start", 0.1, "When it begins.", 0, 1, of_steps=True)
    assert explained(param) == (
        "When it begins. A number in [0, 1]. "
        "It is a share of the planned steps: 0 is the first, 1 the last."
    )
