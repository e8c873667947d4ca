"""What holds for every figure: colours known, axes named, sizes bounded, never empty in silence."""

import itertools
import json
import re
from types import SimpleNamespace

import pytest

from app import figures
from app.figures.spec import step_axis
from tests.app.fake_cache import FakeCache, lively

FIGURES = {name: getattr(figures, name) for name in figures.__all__ if name != "Spec"}
THEME = {"text", "muted", "grid", "card", "line", "page", "clear"}  # app/panel/theme.js
TOKEN = re.compile(r"@([a-z]+\d*)(?:/[\d.]+)?")
EVENTFUL = lively()
EVENTFUL.event(120, "lr", value=0.1)
RACES = {
    "four": lively(),
    "one": lively(("batch",)),
    "eight": lively(("batch", "group", "layer", "instance", "none", "kalman",
                     "kalman:gain=learned", "kalman:transition=sampled")),
    "per image": lively(("group", "layer")),
    "no probe": lively(probe="off"),
    "deep": lively(("batch", "kalman"), layers=40),
    "first step": lively(done=0.001, points=1),
    "before": FakeCache(lively().race),
    "eventful": EVENTFUL,
}  # fmt: skip

every_figure = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
every_race = pytest.mark.parametrize("cache", RACES.values(), ids=RACES)


def strings(value):
    """All texts in a spec but the packed numbers."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            if name not in ("bdata", "tokens"):
                yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


@every_figure
@every_race
def test_every_colour_is_known_and_json_is_strict(draw, cache):
    spec = draw(cache)
    json.dumps(spec, allow_nan=False)
    used = {found for text in strings(spec) for found in TOKEN.findall(text)}
    assert used <= THEME | set(spec["tokens"])


@every_figure
@every_race
def test_a_figure_shows_something_or_says_why_not(draw, cache):
    spec = draw(cache)
    assert bool(spec["data"]) != bool(spec["empty"])
    if not spec["data"]:
        assert spec["empty"].endswith(".")


@every_figure
def test_titles_are_short_questions_with_a_meaning_and_a_description(draw):
    spec = draw(RACES["four"])
    assert spec["title"].endswith("?")
    assert len(spec["title"]) <= 32  # fits beside the buttons at 1280 pixels
    assert 20 < len(spec["meaning"]) < 110
    assert len(spec["label"]) > 20


@every_figure
def test_every_axis_in_use_has_a_unit_or_shares_one(draw):
    layout = draw(RACES["four"])["layout"]
    assert layout["xaxis"]["title"]["text"] == "step"
    if draw is not figures.error_heat:  # its rows are layers, named one by one
        assert re.search(r"nats|%|σ|variance off by|gain", layout["yaxis"]["title"]["text"])


@every_figure
def test_zoom_is_kept_because_the_race_names_it_and_the_steps_axis_stands_still(draw):
    early, late = draw(lively(done=0.6))["layout"], draw(lively(done=0.9))["layout"]
    assert early["uirevision"] == late["uirevision"]
    assert early["xaxis"].get("range") == late["xaxis"].get("range")
    assert "transition" not in late  # Plotly would freeze the ranges after the first one


@pytest.mark.parametrize(
    ("now", "steps", "shown"),
    [
        (0, 210, 210), (210, 210, 210), (0, 21_000, 250), (62, 21_000, 250), (251, 21_000, 500),
        (600, 21_000, 1000), (1001, 21_000, 2500), (10_000, 21_000, 10_000),
        (10_001, 21_000, 21_000), (0, 499, 499), (0, 500, 250),
        (251, 500, 500), (2_000, 2_600, 2_600),
    ],
)  # fmt: skip
def test_the_steps_axis_grows_in_a_few_jumps_and_never_loses_the_present(now, steps, shown):
    cache = SimpleNamespace(
        race=SimpleNamespace(common=SimpleNamespace(steps=steps)),
        runs=[SimpleNamespace(step=now), SimpleNamespace(step=0)],
    )
    start, end = step_axis(cache)["range"]
    assert start == 0
    assert end == pytest.approx(1.012 * shown)


@every_figure
def test_every_chip_governs_a_line_and_the_table_has_distinct_columns(draw):
    spec = draw(RACES["four"])
    governed = {one for trace in spec["data"] for one in trace["meta"].get("chips", [])}
    assert {chip["id"] for chip in spec.get("legend", [])} <= governed
    assert spec.get("table") or any(trace["meta"].get("column") for trace in spec["data"])
    columns = [t["meta"]["column"] for t in spec["data"] if "column" in t["meta"]]
    assert len(set(columns)) == len(columns)


def test_all_figures_of_four_entrants_at_500_points_stay_below_300_kilobytes():
    sizes = [len(json.dumps(draw(RACES["four"]))) for draw in FIGURES.values()]
    assert sum(sizes) < 250_000  # leaves room for cards, controls and Streamlit's own


def test_the_probe_that_is_off_is_named():
    for draw in (figures.error_heat, figures.estimates, figures.gain, figures.innovation):
        assert "probe is off" in draw(RACES["no probe"])["empty"]


def test_methods_without_estimates_are_named():
    spec = figures.error_heat(RACES["four"])
    assert "Group norm" in spec["note"]
    assert "nothing to estimate" in spec["note"]
    assert "None of these methods" in figures.error_heat(RACES["per image"])["empty"]
    assert "None of these methods" in figures.gain(RACES["per image"])["empty"]


def test_a_race_that_ended_before_its_first_row_does_not_promise_one():
    cache = FakeCache(lively().race)
    for position in range(4):
        cache.mark(position, status="failed")
    for draw in FIGURES.values():
        assert "ended before" in draw(cache)["empty"]


def test_every_heat_map_has_its_first_layer_on_top_by_a_fixed_range():
    cache = RACES["four"]
    layout = figures.error_heat(cache)["layout"]
    axes = [axis for name, axis in layout.items() if name.startswith("yaxis")]
    assert len(axes) > 1
    for axis in axes:  # "reversed" turned some of them over when a live figure was drawn anew
        assert axis["autorange"] is False
        assert axis["range"] == [len(axis["categoryarray"]) - 0.5, -0.5]
        assert axis["categoryarray"] == cache.layers(0)


def test_between_heat_maps_there_is_room_for_their_numbers_however_narrow_the_screen():
    spec = figures.error_heat(RACES["four"])
    domains = [axis["domain"] for name, axis in spec["layout"].items() if name.startswith("xaxis")]
    margin = spec["layout"]["margin"]
    width = spec["least"] - margin["l"] - margin["r"]
    gaps = [width * (after[0] - before[1]) for before, after in itertools.pairwise(domains)]
    assert len(gaps) >= 1
    assert min(gaps) > 30  # pixels: a bold ×8.3
