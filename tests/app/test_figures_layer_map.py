"""The map of a network: where everything stands, and what its colours say."""

import json

import numpy as np
import pytest

from app.figures.map_layout import LINE, NARROW, WIDE, arrange
from app.figures.network_map import height, network_map
from tests.app.fake_cache import unpacked
from tests.app.network_maps import Map, begin, bottlenecks, convnet

NETWORKS = {"chain": convnet(), "small": bottlenecks((1, 1)), "deep": bottlenecks()}
every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())


def placed(network: Map):
    return arrange(json.loads(network.to_json()))


@every_network
def test_every_normalizer_is_drawn_once_and_nothing_overlaps(network):
    drawn = placed(network)
    assert [s.node["label"] for s in drawn.norms] == [label for label, *_ in network.norms]
    spots = [(spot.line, round(spot.x, 3), spot.y) for spot in drawn.spots]
    assert len(set(spots)) == len(spots)
    by_row: dict = {}
    for line, x, y in spots:
        by_row.setdefault((line, y), []).append(x)
    for xs in by_row.values():
        assert (np.diff(sorted(xs)) > 0.55).all()
    assert all(0 <= s.x <= drawn.width and 0 <= s.y <= drawn.height for s in drawn.spots)


@every_network
def test_what_feeds_what_goes_from_left_to_right_or_to_a_later_line(network):
    drawn = placed(network)
    for path in drawn.paths:
        assert path.x[-1] > path.x[0]
    ends = {(round(p.x[-1], 3), p.y[-1]) for p in drawn.paths}
    fed = {(round(s.x, 3), s.y) for s in drawn.spots if s.node["kind"] != "input"}
    assert fed <= ends


def test_a_chain_is_one_roomy_line_without_shortcuts():
    drawn = placed(convnet())
    assert {spot.line for spot in drawn.spots} == {0}
    assert drawn.room is WIDE
    assert not any(path.skip for path in drawn.paths)
    assert [box.title for box in drawn.boxes] == [f"layer{k}" for k in range(1, 7)]


def test_a_deep_network_wraps_between_its_blocks():
    drawn = placed(bottlenecks())
    assert drawn.room is NARROW
    assert drawn.width <= LINE
    lines: dict = {}
    for spot in drawn.spots:
        if spot.node["block"]:
            lines.setdefault(spot.node["block"], set()).add(spot.line)
    assert all(len(found) == 1 for found in lines.values())
    assert {line for found in lines.values() for line in found} == {0, 1, 2}


def test_a_shortcut_leaps_and_a_branch_stands_below():
    drawn = placed(bottlenecks((2,)))
    skips = [path for path in drawn.paths if path.skip]
    assert len(skips) == 1  # the first block's shortcut has layers of its own
    main = next(s.y for s in drawn.spots if s.node["label"] == "bn1")
    assert min(skips[0].y) < main
    assert next(s.y for s in drawn.spots if s.node["name"] == "layer1.0.down") > main


def test_where_no_value_goes_on_alone_a_line_still_ends():
    network, held = begin(8, 4), [0]
    for k in range(60):  # every layer reads all before it
        at = network.add("cat", f"cat{k}", "together", held)
        held.append(network.norm(f"norm{k}", network.conv(f"conv{k}", 4, at)))
    drawn = placed(network.end(held[-1]))
    assert drawn.width <= LINE
    assert max(spot.line for spot in drawn.spots) >= 2
    assert len(drawn.norms) == 60


def test_activations_are_seen_through():
    network = begin(8, 1)
    at = network.relu(network.relu(network.norm("a", network.conv("c", 4, 0))))
    network.norm("b", network.add("dropout", "d", "dropout", [at]))
    drawn = placed(network)
    assert [s.node["kind"] for s in drawn.spots] == ["input", "conv", "norm", "norm"]
    assert len(drawn.paths) == 3


def test_colours_marks_and_table_say_the_same():
    drawn = placed(convnet())
    errors = {f"layer{k}": float(k) for k in range(2, 7)} | {"layer6": 40.0}
    spec = network_map(drawn, errors, "var", "posterior", "layer3", "r")
    squares = spec["data"][3]
    assert squares["meta"]["picks"] == [f"layer{k}" for k in range(1, 7)]
    assert unpacked(squares["marker"]["color"]).tolist() == [1, 2, 3, 4, 5, 10]
    assert squares["marker"]["symbol"][:2] == ["square-open", "square"]
    mark = spec["data"][4]
    assert unpacked(mark["x"])[0] == unpacked(squares["x"])[2]
    assert [row[2] for row in spec["table"]["rows"]] == ["–", "×2.0", "×3.0", "×4.0", "×5.0", "×40"]
    assert spec["label"] == "Worst: layer6, off by ×40."
    shapes = [note["text"] for note in spec["layout"]["annotations"] if "×8×8" in note["text"]]
    assert shapes == ["1×8×8", "16×8×8"]


def test_an_unknown_layer_is_not_marked_and_the_height_fits():
    drawn = placed(bottlenecks())
    spec = network_map(drawn, {}, "mean", "prior", "nonsense", "r")
    assert len(spec["data"]) == 4
    assert spec["label"] == ""
    assert spec["layout"]["yaxis"]["range"] == [drawn.height, 0]
    assert height(drawn) > drawn.height
