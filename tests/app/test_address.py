"""Links: what a URL gives is read, judged in words and written back."""

import pytest

from app import address
from bkn.experiment import Race


def test_a_link_is_read_into_typed_values():
    settings, wrong = address.read(
        {
            "dataset": ["shapes"],
            "methods": ["batch,kalman:gain=0.5,running=first", "group"],
            "batch": ["32"],
            "lr": ["0.2"],
            "speed": ["20"],
            "kalman_gain": ["0.3"],
            "run": ["abc"],
            "hide": ["seed"],
        }
    )
    assert not wrong
    assert settings == {
        "dataset": "shapes",
        "methods": ["batch", "kalman:gain=0.5,running=first", "group"],
        "batch": 32,
        "lr": 0.2,
        "speed": 20,
        "kalman_gain": 0.3,
    }
    assert type(settings["batch"]) is int


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("dataset", "imagenet", "unknown dataset 'imagenet'; known: digits, shapes"),
        ("network", "vgg", "unknown network 'vgg'; closest: vgg1"),
        ("batch", "many", "batch must be a whole number in [1, 4096], got 'many'"),
        ("micro_batch", "2.5", "micro_batch must be a whole number"),
        ("lr", "-1", "lr must be a number in"),
        ("epochs", "0", "epochs must be a whole number"),
        ("seed", "1e99", "seed must be a whole number"),
        ("copies", "64", "copies must be a whole number in [1, 32], got '64'"),
        ("layout", "mixed", "layout must be one of sample_major, copy_major, got 'mixed'"),
        ("augment", "cut", "augment must be one of none, crop, crop_flip, got 'cut'"),
        ("probe", "deep", "probe must be one of off, light, full, got 'deep'"),
        ("speed", "7", "speed must be one of full, 1, 2"),
        ("moment", "median", "moment must be one of var, mean, got 'median'"),
        ("accuracy", "train", "accuracy must be one of test, held_out, got 'train'"),
        ("explain", "maybe", "explain must be one of on, off, got 'maybe'"),
        ("entrant", "9", "entrant must be one of 0, 1"),
        ("kalman_gain", "1.4", "kalman option gain must be a number in [0, 1]"),
        ("metods", "batch", "'metods', which is no setting here; known: dataset, network, methods"),
    ],
)
def test_a_wrong_value_is_said_in_words_and_left_out(name, text, words):
    settings, wrong = address.read({name: [text]})
    assert name not in settings
    assert words in wrong[0]


def test_an_unknown_method_is_kept_to_be_shown_in_its_place():
    settings, wrong = address.read({"methods": ["batchh"]})
    assert settings == {"methods": ["batchh"]}
    assert not wrong


def test_writing_names_what_differs_from_the_defaults_and_reads_back():
    changed = {"methods": ["batch", "kalman:gain=learned"], "lr": 0.2, "copies": 4, "speed": 5}
    link = address.write(address.DEFAULTS | changed)
    assert link == {
        "methods": ["batch", "kalman:gain=learned"],
        "lr": ["0.2"],
        "copies": ["4"],
        "speed": ["5"],
    }
    assert address.read(link) == (changed, [])


def test_no_methods_at_all_survive_a_link():
    link = address.write({"methods": []})
    assert address.read(link) == ({"methods": []}, [])


def test_every_default_can_be_read_from_a_link():
    for name in (*address.DEFAULTS, *address.OPTIONS, "moment", "accuracy", "explain"):
        value = address.default(name)
        texts = value if isinstance(value, list) else [str(value)]
        assert address.parse(name, texts) == value


def test_the_settings_of_a_race_start_it_again():
    race = Race.of(
        ["batch", "kalman:gain=0.5"],
        dataset="shapes",
        network="mlp",
        network_options={"depth": 3},
        batch=32,
        micro_batch=4,
        epochs=2,
        copies=4,
        layout="copy_major",
        augment="crop",
    )
    settings = address.of_race(race)
    assert (settings["copies"], settings["layout"]) == (4, "copy_major")
    assert settings["augment"] == "crop"
    assert settings["mlp_depth"] == 3
    assert settings["methods"] == ["batch", "kalman:gain=0.5"]
    assert (settings["batch"], settings["micro_batch"], settings["epochs"]) == (32, 4, 2)


def test_hide_takes_a_list_or_repeats():
    assert address.hidden({"hide": ["seed, probe", "lr"]}) == {"seed", "probe", "lr"}
    assert address.hidden({}) == set()
