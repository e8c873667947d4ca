"""Loss and accuracy: nothing smoothed away, percent, marks of what was changed."""

import numpy as np
import pytest

from app import figures
from app.figures.marks import grouped
from app.figures.smooth import moving_average, window
from app.figures.spec import factor_ticks, log_ticks, packed
from app.figures.training import has_held_out
from tests.app.fake_cache import lively, unpacked


def test_packed_numbers_come_back_and_what_is_not_finite_is_a_gap():
    values = unpacked(packed([[1.5, np.inf], [np.nan, -2]]))
    np.testing.assert_array_equal(values, [[1.5, np.nan], [np.nan, -2]])


def test_moving_average_is_the_mean_over_the_last_steps():
    steps, values = np.array([0, 1, 2, 5, 6, 9]), np.array([1.0, 2, 3, np.nan, 5, 6])
    expected = [1, 1.5, 2, np.nan, 5, 5.5]  # width 4: steps in (s - 4, s]
    np.testing.assert_allclose(moving_average(steps, values, 4), expected)


def test_the_average_widens_with_the_race_and_is_stated():
    assert window(np.array([], dtype=int)) == 5
    assert window(np.arange(0, 1001)) == 30
    cache = lively()
    width = window(cache.curve(0, "loss").steps)
    assert f"mean of {width} steps" in figures.loss(cache)["meaning"]


def test_loss_keeps_every_recorded_value_and_extreme_behind_the_average():
    cache = lively(("batch",))
    outline, raw, front = figures.loss(cache)["data"]
    for column in ("loss_min", "loss_max"):
        drawn = cache.curve(0, column).values.astype(np.float32)
        assert np.isin(drawn, unpacked(outline["y"])).all()
    assert unpacked(raw["y"]).max() == pytest.approx(cache.curve(0, "loss").values.max())
    assert front["line"]["width"] > raw["line"]["width"]
    assert unpacked(front["y"]).max() < unpacked(raw["y"]).max()


def test_rows_of_single_steps_need_no_band():
    cache = lively(("batch",))
    for column in ("loss_min", "loss_max"):
        cache.put(0, column, *cache.curve(0, "loss"))
    assert not any(trace.get("fill") for trace in figures.loss(cache)["data"])


def test_accuracy_is_in_percent_and_its_axis_follows_the_weakest():
    cache = lively(("batch", "group"))
    spec = figures.accuracy(cache)
    expected = 100 * cache.curve(0, "test_accuracy").values
    np.testing.assert_allclose(unpacked(spec["data"][0]["y"]), expected, rtol=1e-5)
    assert spec["layout"]["yaxis"]["autorangeoptions"]["clipmin"] == 80
    cache.put(1, "test_accuracy", [0, 9], [0.1, 0.3])
    assert figures.accuracy(cache)["layout"]["yaxis"]["autorangeoptions"]["clipmin"] == 0


def test_the_accuracy_on_a_held_out_style_is_a_figure_of_its_own():
    options = {"styles": "four", "held_out": "negative"}
    cache = lively(("batch", "group"), dataset="shapes", dataset_options=options)
    assert not has_held_out(cache)
    cache.put(1, "held_out_accuracy", [0, 9], [0.1, 0.3])
    assert has_held_out(cache)
    spec = figures.accuracy(cache, held_out=True)
    (trace,) = spec["data"]
    np.testing.assert_allclose(unpacked(trace["y"]), [10, 30], rtol=1e-5)
    assert "negative style" in spec["meaning"]
    assert spec["layout"]["yaxis"]["title"]["text"] == "held-out accuracy, %"
    assert spec["label"] == "Lines of held-out accuracy in % by step. Now: Group norm 30.0 %."
    zoomed = figures.accuracy(cache)["layout"]["uirevision"]
    assert spec["layout"]["uirevision"] != zoomed  # each keeps its own zoom


def test_a_diverged_run_is_marked_where_it_ended():
    cache = lively(("batch", "group"))
    cache.mark(0, status="diverged", step=12)
    texts = [t["text"] for t in figures.loss(cache)["data"] if "text" in t]
    assert texts == [["diverged, step 12"]]


def test_changes_by_hand_are_marked_with_their_values():
    cache = lively()
    cache.event(100, "lr", value=0.1)
    cache.event(300, "micro_batch", value=4)
    cache.event(350, "speed", value=20)  # these two change nothing in the numbers
    cache.event(360, "refused", command="lr", value=-1)
    layout = figures.loss(cache)["layout"]
    assert [shape["x0"] for shape in layout["shapes"]] == [100, 300]
    assert [note["text"] for note in layout["annotations"]] == ["lr 0.1", "m 4"]


def test_labels_of_marks_that_stand_close_are_joined():
    assert grouped([(100, "lr 1"), (101, "m 4"), (500, "pause")], 1000) == [
        (100, "lr 1 · m 4"),
        (500, "pause"),
    ]
    assert grouped([(1, "a"), (2, "b"), (3, "c")], 1000) == [(1, "a · +2")]
    drag = [(1, "gain 0.1"), (2, "gain 0.2"), (2, "gain 0.3")]
    assert grouped(drag, 1000) == [(1, "gain 0.3")]


@pytest.mark.parametrize(("low", "high"), [(0.39, 0.65), (0.02, 3), (1e-6, 1e3), (2.3, 2.4)])
def test_a_logarithmic_axis_has_a_few_ticks_within_the_data(low, high):
    ticks = [t for t in log_ticks([low, np.nan, high]) if low / 1.3 <= t <= high * 1.3]
    assert 1 <= len(ticks) <= 9


@pytest.mark.parametrize("highest", [1.0, 1.2, 1.9, 4, 25, 300, 1e9])
def test_factors_start_at_exact(highest):
    ticks, labels = factor_ticks(highest)
    assert (ticks[0], labels[0]) == (1, "exact")
    assert labels[1].startswith("×")
    assert sum(tick <= max(highest, 1.05) for tick in ticks) >= 2 or highest == 1
