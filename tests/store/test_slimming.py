"""A race to be shipped: fewer snapshots, fewer channels, the same numbers in them."""

import numpy as np
import pytest

from bkn.snapshot import Layout, spaced
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.store.slimming import slim
from bkn.store.writer import Writer
from tests.app import network_maps
from tests.app.snapshots import write_race


@pytest.fixture
def path(tmp_path):
    write_race(tmp_path, network_maps.convnet(), steps=tuple(range(0, 90, 10)), race_id="r")
    return store_path(tmp_path)


def read(path):
    """Step -> layer -> field -> array of every run, and their layouts."""
    reader = Reader(path)
    runs, layouts = [], []
    for run in reader.runs("r"):
        layout = Layout.from_json(reader.document(run.id, "layout"))
        steps = reader.snapshot_steps(run.id)
        runs.append({step: layout.unpack(reader.snapshot(run.id, step)) for step in steps})
        layouts.append(layout)
    reader.close()
    return runs, layouts


def test_what_stays_is_unchanged(path):
    whole, _ = read(path)
    with Writer(path) as writer:
        slim(writer, "r", snapshots=3, channels=5)
    some, layouts = read(path)
    for before, after, layout in zip(whole, some, layouts, strict=True):
        assert list(after) == [0, 40, 80]
        for layer in layout.layers:
            assert layer.kept == spaced(layer.channels, 5)
            for step, arrays in after.items():
                for name, array in arrays[layer.label].items():
                    kept = before[step][layer.label][name][..., list(layer.kept)]
                    np.testing.assert_array_equal(array, kept)


def test_what_is_small_already_stays_whole(path):
    before = read(path)
    with Writer(path) as writer:
        slim(writer, "r", snapshots=9, channels=64)
    after = read(path)
    assert after[1] == before[1]
    for ours, theirs in zip(after[0], before[0], strict=True):
        assert list(ours) == list(theirs)


@pytest.mark.parametrize(
    ("count", "most", "wanted"),
    [(3, 5, (0, 1, 2)), (9, 3, (0, 4, 8)), (10, 2, (0, 9)), (64, 64, tuple(range(64)))],
)
def test_spaced_keeps_both_ends(count, most, wanted):
    assert spaced(count, most) == wanted
