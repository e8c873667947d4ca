"""Experiments and races: validation in words, JSON, content keys, the entrant grammar."""

import json

import pytest
import torch

import bkn
from bkn import Experiment, Race
from bkn.catalog import DATASETS, METHODS
from bkn.entrants import entrant_text, parse_entrant
from bkn.experiment import fitting


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"batch": 10, "micro_batch": 3},
            r"micro_batch must divide batch=10, got 3; allowed: 1, 2",
        ),
        (
            {"batch": 4, "copies": 3, "micro_batch": 5},
            r"micro_batch must divide batch x copies = 4 x 3, got 5; allowed: 1, 2, 3, 4, 6, 12",
        ),
        ({"copies": 0}, r"copies must be a whole number in \[1, 32\], got 0"),
        ({"copies": 33}, r"copies must be a whole number in \[1, 32\], got 33"),
        ({"layout": "mixed"}, "layout must be sample_major or copy_major, got 'mixed'"),
        ({"augment": "mixup"}, "augment must be one of none, crop, crop_flip, got 'mixup'"),
        ({"batch": 0}, "batch must be a whole number in"),
        ({"batch": 2048, "micro_batch": 2}, "batch must be at most the 1350 training images"),
        ({"lr": "fast"}, r"lr must be a number in .* got 'fast'"),
        ({"lr": float("nan")}, "lr must be a number in"),
        ({"epochs": 2.5}, "epochs must be a whole number in"),
        ({"seed": -1}, "seed must be a whole number in"),
        ({"method": "magic"}, "unknown method 'magic'; known: none, batch"),
        ({"network": "magic"}, "unknown network 'magic'; known: convnet"),
        ({"dataset": "magic"}, "unknown dataset 'magic'; known: digits"),
        ({"device": "abacus"}, "device must be auto, cpu, mps or cuda"),
        ({"device": "cuda:\u0663"}, "device must be auto, cpu, mps or cuda"),
        ({"device": "cuda:9999"}, "device must be auto, cpu, mps or cuda"),
        ({"device": "cuda:01"}, "device must be auto, cpu, mps or cuda"),
        ({"device": None}, "device must be auto, cpu, mps or cuda"),
        ({"options": {"gain": 7}}, r"kalman option gain must be a number in \[0, 1\]"),
        ({"network_options": {"depth": 99}}, "convnet option depth must be"),
        ({"method": "instance", "options": {}, "network": "mlp"}, "needs pictures with height"),
        ({"network": "mlp", "micro_batch": 1}, "micro_batch must be at least 2"),
    ],
)
def test_wrong_values_are_refused_in_words(wrong, message):
    with pytest.raises(ValueError, match=message):
        Experiment(**wrong)


def test_texts_become_numbers():
    given = Experiment(batch="32", micro_batch="4", lr="0.1")
    assert given == Experiment(batch=32, micro_batch=4, lr=0.1)


def test_json_rebuilds_the_experiment_and_refuses_unknown_fields():
    given = Experiment(method="group", options={"groups": 8}, lr=0.1)
    assert Experiment.from_json(given.to_json()) == given
    with pytest.raises(ValueError, match="experiment has no field 'color'"):
        Experiment.from_json(json.dumps({"color": "red"}))
    with pytest.raises(ValueError, match="must be a JSON object, got list"):
        Experiment.from_json("[]")


def test_equal_experiments_share_a_key_and_others_do_not():
    assert Experiment().key == Experiment(options={"gain": 0.1}).key
    keys = {
        Experiment(**one).key for one in ({}, {"seed": 1}, {"lr": 0.1}, {"options": {"gain": 1}})
    }
    assert len(keys) == 4
    assert hash(Experiment()) == hash(Experiment(options={"gain": "0.1"}))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Experiment.from_json("[" * 200_000), "experiment must be JSON, .* too deeply"),
        (lambda: Experiment.from_json(None), "experiment must be JSON: .* not NoneType"),
        (lambda: Experiment.from_json("{"), "experiment must be JSON: Expecting property name"),
        (lambda: Race.from_json("{"), "race must be JSON: Expecting property name"),
        (lambda: Experiment.from_dict(None), "experiment must map fields to values, got None"),
        (lambda: Experiment.from_dict({1: 2, "x": 1}), "experiment has no field 1, 'x'; its"),
        (lambda: Race.of([1]), "methods must be names such as 'batch', got 1"),
        (lambda: Race.of("batch"), "methods must be a list of entrants, got 'batch'"),
        (lambda: Race.of(None), "methods must be a list of entrants, got None"),
        (lambda: Experiment(seed=2**31), r"seed must be .* in \[0, 2147483647\], got 2147483648"),
    ],
)
def test_what_is_of_another_kind_is_refused_in_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_whole_bounds_are_told_with_all_their_digits():
    (content,) = [param for param in DATASETS["folder"].found if param.name == "content"]
    assert content.allowed == f"a whole number in [0, {2**48 - 1}]"


def test_there_is_one_nought():
    assert Experiment(momentum=-0.0).key == Experiment(momentum=0.0).key
    assert Experiment(options={"gain": -0.0}).key == Experiment(options={"gain": 0}).key


def test_a_device_of_torch_is_its_name():
    one = Experiment(device=torch.device("cuda:0"))
    assert one == Experiment(device="cuda:0")
    assert Experiment.from_json(one.to_json()) == one


def test_steps_drop_the_incomplete_batch():
    assert Experiment(batch=64, epochs=4).steps == 4 * (1350 // 64)


def test_copies_make_room_for_larger_micro_batches_and_take_no_steps_away():
    plain, copied = Experiment(batch=10), Experiment(batch=10, copies=4, micro_batch=40)
    assert copied.step_images == 40
    assert copied.steps == plain.steps
    assert Experiment.from_json(copied.to_json()) == copied
    assert copied.key != plain.key
    race = Race.of(["batch", "group"], copies=4, layout="copy_major", augment="crop")
    assert Race.from_json(race.to_json()) == race


def test_what_was_recorded_before_there_were_copies_and_augmentation_has_none():
    given = json.loads(Experiment(lr=0.1).to_json())
    del given["copies"], given["layout"], given["augment"]
    assert Experiment.from_dict(given) == Experiment(lr=0.1)


def test_fitting_micro_batches_are_the_divisors():
    assert fitting(12) == [1, 2, 3, 4, 6, 12]
    assert max(fitting(4096 * 32)) == 4096


@pytest.mark.parametrize(
    "text", [*METHODS, "kalman:gain=learned", "kalman:gain=0.5,transition=sampled"]
)
def test_entrant_text_round_trip(text):
    assert entrant_text(*parse_entrant(text)) == text


def test_entrant_text_leaves_out_the_defaults():
    assert entrant_text(*parse_entrant("kalman:gain=0.1")) == "kalman"


def test_a_default_may_depend_on_an_option_listed_before():
    """The adaptive gain's prior is made from what is normalized, unless told otherwise."""
    assert Experiment(options={"gain": "adaptive"}).options["transition"] == "normalized"
    assert Experiment(options={"gain": 0.1}).options["transition"] == "moments"
    chosen = "kalman:gain=adaptive,transition=moments"
    assert parse_entrant(chosen)[1]["transition"] == "moments"
    assert entrant_text(*parse_entrant(chosen)) == chosen
    same = "kalman:gain=adaptive,transition=normalized"
    assert entrant_text(*parse_entrant(same)) == "kalman:gain=adaptive"
    assert Experiment(options={"gain": "learned"}).label == "Kalman norm, gain learned"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("magic", "unknown method 'magic'"),
        ("kalman:speed=1", "kalman has no option 'speed'"),
        ("kalman:gain", "must read name=value, got 'gain'"),
        ("kalman:gain=2", "must be a number in"),
    ],
)
def test_wrong_entrants_are_refused_in_words(text, message):
    with pytest.raises(ValueError, match=message):
        parse_entrant(text)


def test_race_shares_everything_but_the_method():
    race = Race.of(["batch", "kalman", "kalman:gain=0.5"], batch=32)
    assert race.labels == ("Batch norm", "Kalman norm", "Kalman norm, gain 0.5")
    assert Race.from_json(race.to_json()) == race
    with pytest.raises(ValueError, match="may differ in method and options only"):
        Race((Experiment(), Experiment(method="batch", options={}, lr=1.0)))


@pytest.mark.parametrize(
    ("entrants", "message"),
    [
        ([], "1 to 8 entrants, got 0"),
        ([f"kalman:gain=0.{i}" for i in range(1, 10)], "1 to 8 entrants, got 9"),
        (["batch", "batch"], "names 'batch' twice"),
        (["kalman", "kalman:gain=0.1"], "names 'kalman' twice"),
    ],
)
def test_wrong_races_are_refused_in_words(entrants, message):
    with pytest.raises(ValueError, match=message):
        Race.of(entrants)


def test_race_refuses_an_unknown_probe_tier():
    with pytest.raises(ValueError, match="probe must be one of off, light, full, got 'deep'"):
        Race.of(["batch"], probe="deep")


@pytest.mark.parametrize("text", ["{}", '{"experiments": 5}', '{"experiments": [5]}'])
def test_a_race_without_experiments_is_refused_in_words(text):
    with pytest.raises(ValueError, match="experiments must be a list of JSON objects, got"):
        Race.from_json(text)


@pytest.mark.parametrize("field", ["lr", "epochs", "options"])
def test_a_number_beyond_all_bounds_is_refused_in_words(field):
    huge = 10**400
    with pytest.raises(ValueError, match="must be a"):
        Experiment(**{field: {"gain": huge} if field == "options" else huge})


def test_a_method_that_is_no_text_is_refused_in_words():
    with pytest.raises(ValueError, match=r"unknown method \[\]"):
        Experiment(method=[])


@pytest.mark.parametrize("wrong", [None, 5, Experiment()])
def test_a_race_of_no_list_is_refused_in_words(wrong):
    with pytest.raises(TypeError, match="a race takes a list of objects of the class Experiment"):
        Race(wrong)


@pytest.mark.parametrize("wrong", ["text", None, {"method": "batch"}])
def test_what_is_no_experiment_is_refused_in_words(wrong):
    for use in (lambda: Race((wrong,)), lambda: bkn.train(wrong)):
        with pytest.raises(TypeError, match="a race takes objects of the class Experiment, got"):
            use()
