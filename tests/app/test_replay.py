"""The recorded race: shipped, readable, and cut where the replay stands."""

import numpy as np

from app.lab import RECORDED
from app.replay import UpTo
from app.visitor import mark_of
from bkn.store.cache import RaceCache
from bkn.store.reader import Reader


def recorded():
    reader = Reader(RECORDED, immutable=True)
    return RaceCache(reader, reader.races(1)[0].id)


def test_the_recorded_race_is_finished_and_small():
    cache = recorded()
    assert {run.status for run in cache.runs} == {"finished"}
    assert RECORDED.stat().st_size < 2_000_000


def test_nothing_after_the_step_is_known():
    cache = recorded()
    half = cache.race.common.steps // 2
    cut = UpTo(cache, half)
    position = next(run.position for run in cache.runs if cache.layers(run.position))
    layer = cut.layers(position)[-1]
    whole = cache.curve(position, "loss")
    assert len(cut.curve(position, "loss").steps) == np.sum(whole.steps <= half) > 1
    assert cut.layer_curve(position, layer, "gain").steps.max() <= half
    heat = cut.heat(position, "var_error_posterior")
    assert heat.steps.max() <= half
    assert heat.values.shape == (len(heat.layers), len(heat.steps))
    assert cut.latest(position, "loss") == cut.curve(position, "loss").values[-1]
    assert cut.latest(position, f"{layer}/gain") is not None
    assert [(run.status, run.step, run.summary) for run in cut.runs] == [
        ("running", half, {}) for _ in cache.runs
    ]


def test_at_the_end_the_whole_race_is_there():
    cache = recorded()
    cut = UpTo(cache, cache.race.common.steps)
    assert cut.runs == cache.runs
    assert len(cut.curve(0, "loss").steps) == len(cache.curve(0, "loss").steps)


def test_a_visitor_keeps_the_mark_however_the_cookie_is_masked():
    token = bytes(range(16))
    masks = (b"\x01\x02\x03\x04", b"\xf0\x0f\xaa\x55")
    cookies = [
        f"2|{mask.hex()}|{bytes(t ^ mask[i % 4] for i, t in enumerate(token)).hex()}|1700000000"
        for mask in masks
    ]
    assert mark_of(cookies[0]) == mark_of(cookies[1]) != ""
    assert mark_of("nonsense") == mark_of("") == ""
    other = f"2|{masks[0].hex()}|{bytes(16).hex()}|1700000000"
    assert mark_of(other) != mark_of(cookies[0])
