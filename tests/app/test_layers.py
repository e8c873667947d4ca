"""Behind the Layers page: numbers of a layer, the shelf of snapshots, the link, the words."""

import math

import numpy as np
import pytest

from app.layers import link, numbers
from app.layers.history import Histories, Shelf, Snapshot, nearest
from bkn.snapshot import GAINS, SOURCES, Layout
from bkn.store.cache import RaceCache
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from tests.app.network_maps import convnet
from tests.app.snapshots import write_race


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """The last snapshot of the Kalman entrant of a synthetic race."""
    path = write_race(tmp_path_factory.mktemp("home"), convnet(), steps=(0, 60))
    history = Histories().of(RaceCache(Reader(path), "synthetic"), 2)
    return history.at(60)


def layer_with(**errors):
    """A layer of living channels with these errors of observation, prior, posterior."""
    stacked = np.stack([errors["seen"], errors["prior"], errors["posterior"], errors["seen"]])
    size = stacked.shape[1]
    return {
        "truth_var": np.ones(size, np.float32), "mean_error": stacked, "var_error": stacked,
        "output_mean": np.zeros(size), "output_var": np.ones(size),
    }  # fmt: skip


def test_a_layers_error_is_the_mean_over_channels(snapshot):
    found = snapshot.errors["layer4"]
    arrays = snapshot.arrays["layer4"]
    for row, source in enumerate(SOURCES):
        for what in ("mean", "var"):
            expected = sum(float(value) for value in arrays[f"{what}_error"][row]) / 32
            assert found[source, what] == pytest.approx(expected, rel=1e-5)
    logs = [math.log(value) ** 2 for value in arrays["output_var"]]
    assert found["output", "var"] == pytest.approx(sum(logs) / 32, rel=1e-5)


def test_dead_channels_and_unknown_values_do_not_count():
    arrays = layer_with(seen=[1.0, 9e9, 3.0], prior=[np.nan] * 3, posterior=[2.0, 1.0, np.nan])
    arrays["truth_var"][1] = 0.0
    found = numbers.layer_errors(arrays)
    assert found["observation", "var"] == 2.0
    assert found["posterior", "var"] == 2.0
    assert math.isnan(found["prior", "var"])
    assert numbers.worst_channel(arrays, "observation", "var") == 2


def test_an_output_without_variance_is_infinitely_off_and_does_not_count():
    arrays = layer_with(seen=[1.0, 1.0], prior=[1.0, 1.0], posterior=[1.0, 1.0])
    arrays["output_var"] = np.array([0.0, math.e], np.float32)
    assert numbers.layer_errors(arrays)["output", "var"] == pytest.approx(1.0)


def test_who_helped_counts_channels():
    arrays = layer_with(seen=[1, 3, 3, 3.0], prior=[2, 1, 2, 0.1], posterior=[3, 2, 1, 0.5])
    assert numbers.shares(arrays, "var") == (0.5, 0.25, 0.25)
    without = layer_with(seen=[1.0], prior=[np.nan], posterior=[1.0])
    assert numbers.shares(without, "var") is None


def test_only_layers_with_a_prior_are_asked_who_helped(snapshot):
    assert list(snapshot.shares["mean"]) == [f"layer{k}" for k in range(2, 7)]
    assert all(sum(part) == pytest.approx(1) for part in snapshot.shares["var"].values())


def test_the_worst_channel_is_the_one_with_the_largest_error(snapshot):
    arrays = snapshot.arrays["layer5"]
    for source in ("posterior", "prior"):
        row = list(arrays["mean_error"][SOURCES.index(source)])
        assert numbers.worst_channel(arrays, source, "mean") == row.index(max(row))
    assert numbers.worst_channel(snapshot.arrays["layer1"], "prior", "mean") in range(16)


def test_the_replay_finds_the_gain_with_the_least_error(snapshot):
    arrays = snapshot.arrays["layer6"]
    found = numbers.replay(arrays, "var")
    means = [float(np.mean(row)) for row in arrays["var_curve"]]
    assert found.best == GAINS[means.index(min(means))]
    assert found.errors == pytest.approx(means, rel=1e-5)
    assert found.used == pytest.approx(0.1)
    assert numbers.replay(snapshot.arrays["layer1"], "var") is None


def test_at_the_gain_in_use_the_replay_is_the_posteriors_error(snapshot):
    for label, one in snapshot.arrays.items():
        found = numbers.replay(one, "mean")
        if found is not None:
            at = GAINS.index(0.1)
            assert found.errors[at] == pytest.approx(snapshot.errors[label]["posterior", "mean"])


@pytest.mark.parametrize(
    ("wanted", "found"), [(-5, 0), (14, 10), (15, 10), (16, 20), (999, 40), (20, 20)]
)
def test_the_nearest_kept_step(wanted, found):
    assert nearest([0, 10, 20, 40], wanted) == found


def test_snapshots_are_unpacked_once_and_the_oldest_go_first(monkeypatch, tmp_path):
    path = write_race(tmp_path, convnet(), steps=(0, 10, 20))
    unpacked = []
    real = Layout.unpack
    monkeypatch.setattr(Layout, "unpack", lambda self, data: unpacked.append(1) or real(self, data))
    histories = Histories()
    cache = RaceCache(Reader(path), "synthetic")
    histories._shelf.room = 2.5 * len(Reader(path).snapshot(cache.runs[2].id, 0))
    history = histories.of(cache, 2)
    assert history.at(0) is history.at(0)
    assert len(unpacked) == 1
    assert histories.of(cache, 2) is history
    history.at(10), history.at(0), history.at(20)  # 10 was not asked for longest
    history.at(0)
    assert len(unpacked) == 3
    history.at(10)
    assert len(unpacked) == 4
    assert history.at(11) is None


def test_a_race_that_went_back_is_read_anew(tmp_path):
    path = write_race(tmp_path, convnet(), steps=(0, 10))
    cache, histories = RaceCache(Reader(path), "synthetic"), Histories()
    before = histories.of(cache, 2).at(10)
    with Writer(path) as writer, writer.transaction():
        data = Reader(path).snapshot(cache.runs[2].id, 0)
        writer.rewind("synthetic", 0)
        writer.add_snapshot(cache.runs[2].id, 10, 1.0, data)
    cache.refresh()
    after = histories.of(cache, 2).at(10)
    changed = after.arrays["layer3"]["prior_mean"] != before.arrays["layer3"]["prior_mean"]
    assert changed.any()


def test_the_shelf_counts_a_snapshot_once():
    shelf, one = Shelf(room=10), Snapshot(0, Layout(()), {})
    for _ in range(5):
        shelf.put(("a",), one, 6)
    shelf.put(("b",), one, 4)
    assert shelf.get(("a",)) is one
    assert shelf.get(("b",)) is one
    shelf.put(("c",), one, 4)
    assert shelf.get(("a",)) is None
    assert shelf.get(("c",)) is one


def test_what_is_written_into_the_link_is_read_back():
    looks = {"layer": "a.b", "channel": 3, "at": 12, "q": 0.35, "moment": "mean", "group": 2,
             "source": "prior", "explain": "off", "entrant": 1}  # fmt: skip
    assert link.read(link.write(looks, "r")) == (looks, [])
    assert link.write(looks, "r")["run"] == ["r"]
    assert link.write({"moment": "var", "q": None, "group": 1}, "") == {}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("entrant", "8", "entrant must be a position from 0 to 7, got '8'"),
        ("channel", "-1", "channel must be the number of a channel, got '-1'"),
        ("group", "0", "group must be a micro-batch from 1 to 8, got '0'"),
        ("moment", "skew", "moment must be one of var, mean, got 'skew'"),
        ("source", "truth", "source must be one of posterior, observation"),
        ("q", "nan", "q must be a number from 0 to 1, got 'nan'"),
        ("at", "١٢", "at must be a step"),
        ("explain", "maybe", "explain must be one of on, off"),
    ],
)
def test_a_wrong_value_in_the_link_is_named(name, text, words):
    found, wrong = link.read({name: [text]})
    assert found == {}
    assert len(wrong) == 1
    assert words in wrong[0]


def test_every_estimate_of_a_snapshot_has_a_name():
    assert set(SOURCES) <= set(link.ERRORS)
