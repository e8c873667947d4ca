"""Estimates and filter: factors, the picked layer, priors, gains and their oracle."""

import numpy as np
import pytest

from app import figures
from app.figures.factors import times
from app.figures.heat import panel_rows
from app.figures.multiples import in_lines, span
from bkn.experiment import Race
from tests.app.fake_cache import FakeCache, lively, unpacked

CACHE = lively()  # 0 batch, 1 group, 2 kalman, 3 kalman learned


def test_heat_shows_factors_with_exact_at_one():
    spec = figures.error_heat(CACHE)
    assert [trace["meta"]["entrant"] for trace in spec["data"]] == [0, 2, 3]
    error = CACHE.heat(2, "var_error_posterior").values
    np.testing.assert_allclose(unpacked(spec["data"][1]["z"]), np.exp(np.sqrt(error)), rtol=1e-5)
    assert (spec["data"][1]["zmin"], spec["data"][1]["zmax"]) == (1, 10)


def test_every_heat_column_lasts_until_the_next_probe_and_the_last_until_now():
    edges = unpacked(figures.error_heat(CACHE)["data"][0]["x"])
    assert len(edges) == len(CACHE.heat(0, "var_error_posterior").steps) + 1
    assert edges[-1] >= CACHE.runs[0].step


def test_the_factors_of_now_stand_at_the_rows_and_in_the_table():
    spec = figures.error_heat(CACHE)
    factor = np.exp(np.sqrt(CACHE.latest(2, "layer6/var_error_posterior")))
    texts = [note["text"] for note in spec["layout"]["annotations"]]
    assert times(factor) in texts
    assert spec["table"]["rows"][5][:1] == ["layer6"]
    assert spec["table"]["rows"][5][2] == times(factor)


def test_the_picked_layer_is_framed_and_bold_in_every_panel():
    layout = figures.error_heat(CACHE, "layer4")["layout"]
    assert [(s["y0"], s["y1"]) for s in layout["shapes"]] == [(2.52, 3.48)] * 3
    bold = [n["name"] for n in layout["annotations"] if n["font"]["weight"] == 700 and "name" in n]
    assert {name.partition("|")[0] for name in bold} == {"layer4"}
    assert not figures.error_heat(CACHE, "no such layer")["layout"]["shapes"]


def test_rows_and_lines_say_what_a_click_on_them_picks():
    assert figures.error_heat(CACHE)["data"][0]["meta"]["picks"] == CACHE.layers(0)
    picks = [trace["meta"]["picks"] for trace in figures.gain(CACHE)["data"]]
    assert all(len(one) == 1 for one in picks)


def test_rows_of_a_deep_network_are_named_sparsely_but_always_the_picked_one():
    layout = figures.error_heat(lively(("batch",), layers=40), "layer38")["layout"]
    names = [n["text"] for n in layout["annotations"] if n["text"].startswith("layer")]
    assert len(names) <= 14
    assert "layer38" in names


def test_many_methods_get_rows_of_panels_with_fewer_names():
    five = lively(("batch", "kalman", "batch_renorm", "memorized", "ic"), layers=12)
    assert panel_rows(five) == 2
    assert panel_rows(CACHE) == 1
    notes = figures.error_heat(five, "layer7")["layout"]["annotations"]
    named = [n["text"] for n in notes if n["xref"] == "x domain" and n["text"].startswith("layer")]
    assert named == ["layer1", "layer3", "layer5", "layer7", "layer9", "layer11"]


def test_no_name_stands_next_to_the_picked_one_of_a_deep_network():
    notes = figures.error_heat(lively(("batch",), layers=40), "layer38")["layout"]["annotations"]
    names = [n["text"] for n in notes if n["text"].startswith("layer")]
    assert not {"layer36", "layer37", "layer39", "layer40"} & {*names}


def test_estimates_are_those_of_the_first_entrant_with_a_prior():
    spec = figures.estimates(CACHE, "layer3")
    assert spec["meaning"].startswith("Kalman norm:")
    drawn = {trace["meta"]["chips"][0]: trace for trace in spec["data"] if trace["meta"]}
    assert set(drawn) == {"observation", "prior", "posterior", "running", "theory"}
    prior = CACHE.layer_curve(2, "layer3", "var_error_prior").values
    np.testing.assert_allclose(unpacked(drawn["prior"]["y"]), np.exp(np.sqrt(prior)), rtol=1e-5)
    assert max(drawn, key=lambda role: drawn[role]["line"]["width"]) == "posterior"


def test_estimates_of_a_mean_are_in_standard_deviations():
    spec = figures.estimates(CACHE, "layer3", what="mean")
    drawn = {trace["meta"]["chips"][0]: trace for trace in spec["data"]}
    error = CACHE.layer_curve(2, "layer3", "mean_error_observation").values
    np.testing.assert_allclose(unpacked(drawn["observation"]["y"]), np.sqrt(error), rtol=1e-5)
    assert "σ" in spec["layout"]["yaxis"]["title"]["text"]


def test_a_method_without_a_prior_shows_its_micro_batch_in_use():
    spec = figures.estimates(CACHE, "layer3", position=0)
    assert spec["legend"][0]["label"] == "micro-batch, in use"
    assert not any(chip["id"] in ("prior", "posterior") for chip in spec["legend"])


def test_the_first_layer_says_that_it_has_no_prior():
    spec = figures.estimates(CACHE, "layer1")
    assert "has no prior" in spec["note"]
    assert not any(chip["id"] == "prior" for chip in spec["legend"])


def test_an_entrant_or_layer_that_is_not_there_gives_way_to_one_that_is():
    spec = figures.estimates(CACHE, "no such layer", position=1)
    assert spec["title"] == "Who is right about layer6?"
    assert spec["meaning"].startswith("Kalman norm:")


def test_gain_in_use_is_solid_and_the_oracle_dotted_for_layers_with_a_prior():
    spec = figures.gain(lively(("batch", "kalman")), "layer4")
    by_role = {"use": [], "oracle": []}
    for trace in spec["data"]:
        by_role[trace["meta"]["chips"][0]].append(trace)
    assert {trace["line"]["dash"] for trace in by_role["use"]} == {"solid"}
    assert {trace["line"]["dash"] for trace in by_role["oracle"]} == {"dot"}
    assert [len(lines) for lines in by_role.values()] == [5, 5]  # the first layer has no prior
    np.testing.assert_allclose(unpacked(by_role["use"][0]["y"]), 0.1, rtol=1e-6)
    assert by_role["use"][-1]["meta"]["picks"] == ["layer4"]  # in front
    assert by_role["use"][-1]["line"]["width"] > by_role["use"][0]["line"]["width"]


def test_innovation_is_in_standard_deviations():
    trace = figures.innovation(lively(("kalman",)))["data"][0]
    power = lively(("kalman",)).heat(0, "innovation_mean").values[1]
    np.testing.assert_allclose(unpacked(trace["y"]), np.sqrt(power), rtol=1e-5)


@pytest.mark.parametrize(
    ("value", "told"),
    [(1, "×1.0"), (2.14, "×2.1"), (34.4, "×34"), (1e6, "×1e+06"), (np.nan, "–"), (np.inf, "–")],
)
def test_factors_in_words(value, told):
    assert times(value) == told


def test_names_above_panels_fit():
    long = "Kalman norm, gain 0.95, transition normalized"
    assert in_lines(long, 1) == [long]
    assert in_lines(long, 4) == ["Kalman norm", "gain 0.95, transi…"]
    assert span(0, 2, 0.1)[1] < span(1, 2, 0.1)[0] <= 0.56
    assert span(2, 3, 0.1)[1] == 1


def test_a_filter_that_the_probe_does_not_watch_promises_no_picture():
    spec = figures.gain(FakeCache(Race.of(["group_kalman"])))
    assert spec["empty"] == (
        "None of these methods blends a prior with the micro-batch, so there is no gain."
    )


def test_layers_stand_in_their_order_though_only_one_entrant_has_a_prior_for_the_first():
    cache = lively()
    steps = cache.curve(3, "layer1/innovation_mean").steps
    assert figures.gain(cache)["scale"]["ends"] == ["layer2", "layer6"]
    cache.put(3, "layer1/innovation_mean", steps, np.ones(len(steps)))
    assert figures.gain(cache)["scale"]["ends"] == ["layer1", "layer6"]
