"""A dict that stays as it is: refuses every change, and travels as any dict does."""

import copy
import json
import operator
import pickle
from dataclasses import asdict

import pytest

from bkn import Experiment
from bkn.frozen import FrozenDict
from bkn.sweep import Sweep

CHANGES = {
    "set": lambda some: operator.setitem(some, "gain", 77),
    "delete": lambda some: operator.delitem(some, "gain"),
    "update": lambda some: some.update(gain=77),
    "or": lambda some: operator.ior(some, {"gain": 77}),
    "setdefault": lambda some: some.setdefault("speed", 1),
    "pop": lambda some: some.pop("gain"),
    "popitem": lambda some: some.popitem(),
    "clear": lambda some: some.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_can_be_changed(change):
    for some in (Experiment().options, FrozenDict(gain=1)):
        before = dict(some)
        with pytest.raises(TypeError, match="what is frozen cannot be changed"):
            change(some)
        assert some == before


def test_what_lies_inside_is_frozen_too():
    common = Sweep(common={"network_options": {"depth": 4}}).common
    with pytest.raises(TypeError, match="frozen"):
        common["network_options"]["depth"] = 5


@pytest.mark.parametrize(
    "travel",
    [
        lambda one: pickle.loads(pickle.dumps(one)),
        copy.deepcopy,
        copy.copy,
        lambda one: type(one).from_json(one.to_json()),
        lambda one: type(one).from_json(json.dumps(asdict(one))),
    ],
    ids=["pickle", "deepcopy", "copy", "json", "asdict"],
)
@pytest.mark.parametrize("one", [Experiment(), Sweep(common={"network_options": {"depth": 4}})])
def test_what_holds_it_travels(travel, one):
    there = travel(one)
    assert there == one
    assert hash(there) == hash(one)


def test_a_changed_copy_is_a_plain_dict():
    changed = Experiment().options | {"gain": 0.5}
    changed["gain"] = 0.6
    assert Experiment(options=changed).options["gain"] == 0.6
