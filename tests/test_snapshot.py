"""The form of a snapshot: what is packed comes back, and nothing else fits."""

import numpy as np
import pytest

from bkn.snapshot import LayerLayout, Layout

LAYOUT = Layout(
    (
        LayerLayout("stem", 3, (0, 1, 2), 64, 4, "mixture", {"gain": (3,), "seen_mean": (2, 3)}),
        LayerLayout("deep", 90, (0, 40), 1, 4, "", {"truth_mean": (2,)}),
    )
)
ARRAYS = {
    "stem": {"gain": [0.1, 0.2, np.nan], "seen_mean": [[1, 2, 3], [4, 5, 6]]},
    "deep": {"truth_mean": [-1.5, 1e30]},
}


def test_what_is_packed_comes_back():
    data = Layout.from_json(LAYOUT.to_json()).pack(ARRAYS)
    assert len(data) == 4 * (3 + 6 + 2)
    found = LAYOUT.unpack(data)
    assert list(found) == ["stem", "deep"]
    for label, fields in ARRAYS.items():
        for name, values in fields.items():
            np.testing.assert_array_equal(found[label][name], np.float32(values))


def test_the_layout_survives_its_json():
    assert Layout.from_json(LAYOUT.to_json()) == LAYOUT
    assert LAYOUT.layer("deep").kept == (0, 40)
    with pytest.raises(KeyError):
        LAYOUT.layer("stern")


def test_what_does_not_fit_is_refused():
    wrong = {**ARRAYS, "deep": {"truth_mean": [1.0, 2.0, 3.0]}}
    with pytest.raises(ValueError, match=r"deep/truth_mean must have shape \(2,\), got \(3,\)"):
        LAYOUT.pack(wrong)
    with pytest.raises(ValueError, match="has 11 numbers, got 10"):
        LAYOUT.unpack(LAYOUT.pack(ARRAYS)[:-4])
