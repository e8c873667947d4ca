"""The Batch size page's figures: what is drawn was measured, what is missing is said."""

from dataclasses import replace

import numpy as np
import pytest

from app.figures.sweep_curve import curve, rates
from app.figures.sweep_grid import grid, hover, state
from app.figures.sweep_lines import dodge
from app.figures.sweep_steps import median, round_ticks, steps
from tests.app.fake_cache import unpacked
from tests.app.sweep_tables import AT, lively, table

SEEDS = tuple(range(8))


def traces(spec, mode):
    return [trace for trace in spec["data"] if trace.get("mode") == mode]


def test_the_curve_draws_means_intervals_and_every_run():
    made = table(lively)
    spec = curve(made, AT)
    batch = traces(spec, "lines+markers")[0]
    cells = made.along("micro_batch", "batch", AT)
    y = unpacked(batch["y"])
    np.testing.assert_allclose(y, [100 - 100 * c.mean for c in cells], rtol=1e-5)
    for sign, name, end in ((1, "array", "low"), (-1, "arrayminus", "high")):
        ends = y + sign * np.array(batch["error_y"][name])
        expected = [100 - 100 * getattr(c.interval, end) for c in cells]
        np.testing.assert_allclose(ends, expected, rtol=1e-4)
    ticks = spec["layout"]["yaxis"]
    assert dict(zip(ticks["ticktext"], ticks["tickvals"], strict=True))["95"] == pytest.approx(5)
    assert ticks["range"][0] > ticks["range"][1]  # the better, the higher
    runs = traces(spec, "markers")[0]
    assert len(unpacked(runs["y"])) == 9
    assert set(runs["meta"]["picks"]) == {one.job.id for c in cells for one in c.results}


def test_micro_batches_stand_at_their_logarithms_and_are_named():
    spec = curve(table(lively), AT)
    ticks = spec["layout"]["xaxis"]
    assert (ticks["tickvals"], ticks["ticktext"]) == ([1, 3, 6], ["2", "8", "64"])
    x = np.array([unpacked(t["x"]) for t in traces(spec, "lines+markers")])
    np.testing.assert_allclose(x.mean(0), [1, 3, 6], atol=1e-6)  # whiskers side by side, around m
    assert (np.diff(x[:, 0]) > 0).all()


def test_whiskers_of_many_methods_stay_between_two_places():
    for count in (1, 2, 8, 16):
        assert np.ptp(dodge(count)) < 0.4


def test_an_accuracy_is_never_drawn_beyond_100_percent():
    spec = curve(table(lambda job: 0.9 + 0.05 * job.experiment.seed), AT)
    line = traces(spec, "lines+markers")[0]
    tops = unpacked(line["y"]) - np.array(line["error_y"]["arrayminus"])
    assert tops.min() > 0  # of wrong images, on a logarithmic axis
    assert np.isfinite(spec["layout"]["yaxis"]["range"]).all()


def test_the_axis_holds_every_run_and_not_all_of_an_absurd_interval():
    finals = {0: 0.90, 1: 0.97}
    spec = curve(table(lambda job: finals[job.experiment.seed], seeds=(0, 1)), AT)
    low, high = (10**end for end in spec["layout"]["yaxis"]["range"])
    assert low > 10
    assert high < 3
    assert low < 30  # the interval of two seeds reaches down to 49 %


def test_a_missing_cell_is_a_gap_and_no_zero():
    spec = curve(table(lambda job: None if job.experiment.micro_batch == 8 else 0.9), AT)
    line = traces(spec, "lines+markers")[0]
    assert np.isnan(unpacked(line["y"])[1])
    assert line["connectgaps"] is False


def test_where_a_method_breaks_its_mark_is_open_and_the_note_says_so():
    spec = curve(table(lively, seeds=SEEDS), AT)
    symbols = [t["marker"]["symbol"] for t in traces(spec, "lines+markers")]
    assert symbols[0] == ["circle-open", "circle", "circle"]
    assert symbols[1] == symbols[2] == ["circle"] * 3
    assert "Open marks" in spec["note"]
    assert "note" not in curve(table(lambda job: 0.9), AT)


def test_with_one_seed_no_interval_is_drawn_and_the_figure_says_so():
    spec = curve(table(lively, seeds=(0,)), AT)
    for line in traces(spec, "lines+markers"):
        assert set(line["error_y"]["array"]) == {0.0}
        assert set(line["marker"]["symbol"]) == {"circle"}
    assert not traces(spec, "markers")
    assert "no interval is drawn" in spec["meaning"]
    assert "note" not in spec


def test_a_diverged_run_is_crossed_and_counts_as_guessing():
    fates = {0: 0.9, 1: float("nan"), 2: 0.9}
    spec = curve(table(lambda job: fates[job.experiment.seed]), AT)
    runs = traces(spec, "markers")[0]
    assert unpacked(runs["y"])[1] == pytest.approx(90)
    assert runs["marker"]["symbol"][:3] == ["circle", "x", "circle"]
    assert "diverged" in runs["text"][1]


def test_every_figure_has_words_a_table_and_a_legend():
    made = table(lively, lrs=(0.01, 0.05))
    for spec in (curve(made, AT), rates(made, AT), steps(made, AT, 0.9), grid(made, AT)):
        assert spec["title"].endswith("?")
        assert spec["meaning"]
        assert spec["label"]
        assert spec["caption"]
        assert spec["table"]["rows"]
        assert all(len(row) == len(spec["table"]["columns"]) for row in spec["table"]["rows"])
        assert {"e0", "e1", "e2"} <= spec["tokens"].keys()


def test_the_curves_table_says_what_its_picture_shows():
    spec = curve(table(lively), AT)
    assert spec["table"]["columns"] == ["m", "Batch norm", "Group norm", "Kalman norm"]
    assert [row[0] for row in spec["table"]["rows"]] == ["2", "8", "64"]
    cell = table(lively).cells["batch", AT]
    low, high = 100 * cell.interval.low, 100 * cell.interval.high
    words = f"{100 * cell.mean:.1f} % ({low:.1f} to {high:.1f})"
    assert spec["table"]["rows"][0][1] == words


def test_rates_are_drawn_at_one_micro_batch():
    made = table(lively, lrs=(0.01, 0.1))
    spec = rates(made, AT._replace(micro_batch=8))
    assert "m = 8" in spec["title"]
    assert spec["layout"]["xaxis"]["ticktext"] == ["0.01", "0.1"]
    assert not spec["empty"]


def test_a_sweep_of_one_rate_says_how_to_get_more():
    spec = rates(table(lively), AT)
    assert "one learning rate, 0.05" in spec["empty"]
    assert "0.01, 0.05, 0.25" in spec["empty"]


def test_before_the_first_run_ends_the_figures_say_what_they_wait_for():
    made = table(lambda job: None)
    for spec in (curve(made, AT), steps(made, AT, 0.9)):
        assert spec["empty"]
        assert not spec["data"]
    assert {mark["kind"] for mark in grid(made, AT)["cells"]} == {"waiting"}


def fate(job):
    one = job.experiment
    fates = {"batch": "running", "group": "failed", "kalman": 0.9}
    return fates[one.method] if one.seed == 1 or one.method == "group" else 0.9


def test_the_grid_marks_what_is_trained_what_failed_and_what_does_not_fit():
    spec = grid(table(fate, micro_batches=(2, 3)), AT)
    assert [(c["x"], c["y"], c["kind"]) for c in spec["cells"]] == [
        (0, 0, "running"), (1, 0, "misfit"), (0, 1, "failed"), (1, 1, "misfit"),
        (1, 2, "misfit"),
    ]  # fmt: skip
    hovers = spec["data"][0]["customdata"]
    assert "step 5 of 84" in hovers[0][0]
    assert "seed 0 failed: no memory left" in hovers[1][0]
    assert "micro_batch must divide" in hovers[2][1]


def test_the_grids_table_gives_every_reason():
    spec = grid(table(fate, micro_batches=(2, 3)), AT)
    rows = {(row[0], row[1]): row for row in spec["table"]["rows"]}
    assert rows["Batch norm", "2"][3:] == ["2 of 3", "1 being trained, step 5 of 84"]
    assert "seed 2 failed: no memory left" in rows["Group norm", "2"][4]
    assert "does not fit: micro_batch must divide batch=64" in rows["Group norm", "3"][4]
    assert rows["Kalman norm", "2"][4] == "done"
    picks = dict(zip(rows, spec["table"]["picks"], strict=True))
    assert picks["Group norm", "3"] == ""
    assert picks["Batch norm", "2"] == table(fate).cells["batch", AT].shown.id


def test_a_click_on_a_cell_opens_its_run():
    made = table(lively)
    picks = grid(made, AT)["data"][0]["meta"]["picks"]
    cells = made.row(AT)
    assert picks == [[cell.shown.id for cell in row] for row in cells]


def test_colours_of_the_grid_mean_the_same_in_every_sweep():
    made = table(lambda job: 0.99 if job.experiment.micro_batch > 2 else 0.0)
    z = unpacked(grid(made, AT)["data"][0]["z"])
    np.testing.assert_allclose(z, [[1, 0, 0]] * 3, atol=1e-5)
    middle = unpacked(grid(table(lambda job: 0.9), AT)["data"][0]["z"])
    np.testing.assert_allclose(middle, 0.5, atol=1e-5)


def test_a_cell_says_how_many_of_its_runs_are_missing_or_went_wrong():
    texts = grid(table(fate), AT)["data"][0]["text"]
    assert "2 of 3" in texts[0][0]
    assert texts[1][0] == ""
    gone = table(lambda job: float("nan"))
    assert "3 diverged" in grid(gone, AT)["data"][0]["text"][0][0]
    assert "9 runs diverged" not in grid(gone, AT)["label"]
    assert "27 runs diverged" in grid(gone, AT)["label"]


def test_a_message_of_a_failure_is_no_markup():
    made = table(lambda job: "failed")
    cell = made.cells["batch", AT]
    cell = replace(cell, results=(replace(cell.results[0], message="<b>x</b> & y"),))
    assert "&lt;b&gt;x&lt;/b&gt; &amp; y" in hover(cell)


def test_the_state_of_a_cell_is_what_matters_most():
    assert state(table(lively).cells["batch", AT]) == "done"
    half = table(lambda job: 0.9 if job.experiment.seed else None)
    assert state(half.cells["batch", AT]) == "waiting"


def test_steps_are_medians_over_seeds_and_never_is_said():
    finals = {0: 1.0, 1: 0.97, 2: 0.8}
    made = table(lambda job: finals[job.experiment.seed])
    cell = made.cells["batch", AT]
    assert cell.steps_to(0.9) == {0: 42.0, 1: 84.0, 2: float("inf")}
    assert median(cell, 0.9) == 84.0
    spec = steps(made, AT, 0.9)
    assert spec["table"]["rows"][0][1] == "84 (2 of 3 seeds get there)"
    assert median(cell, 0.98) == float("inf")
    never = steps(made, AT, 0.98)
    assert never["table"]["rows"][0][1] == "never (1 of 3 seeds get there)"
    line, cross = never["data"][-2:]
    assert np.isnan(unpacked(line["y"])).all()
    assert (unpacked(cross["y"]) > 84).all()
    assert never["layout"]["yaxis"]["ticktext"][-1] == "never"


def test_steps_of_an_even_number_of_seeds_never_pretend():
    made = table(lambda job: 1.0 if job.experiment.seed else 0.5, seeds=(0, 1))
    assert median(made.cells["batch", AT], 0.9) == float("inf")


def test_the_accuracy_to_reach_is_in_the_title():
    assert steps(table(lively), AT, 0.925)["title"] == "How soon is 92.5 % reached?"


@pytest.mark.parametrize(
    ("planned", "ticks"),
    [(84, [0, 20, 40, 60, 80]), (210, [0, 50, 100, 150, 200]), (3, [0, 1, 2, 3])],
)
def test_steps_have_round_ticks(planned, ticks):
    assert round_ticks(planned) == ticks
