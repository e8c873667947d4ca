"""The operator's own pictures: what is found, split, refused, read and kept."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets.folder import IMG_EXTENSIONS

from bkn import Experiment, Race, train
from bkn.catalog import DATASETS
from bkn.cli.data import words
from bkn.data import folder as module
from bkn.data.folder import load
from bkn.data.listing import ENDINGS, for_testing, listing
from bkn.sweep import Sweep

CARD = DATASETS["folder"]
COLORS = {"cats": (200, 10, 10), "dogs": (10, 200, 10), "emus": (10, 10, 200)}


def paint(path, color, size=(12, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Three classes with twenty pictures each, split by their names."""
    root = tmp_path / "pictures"
    for name, (red, green, blue) in COLORS.items():
        for i in range(20):
            paint(root / name / f"{i}.png", (red + i, green, blue))
    monkeypatch.setenv("BKN_FOLDER", str(root))
    monkeypatch.setenv("BKN_FOLDER_SIZE", "8")
    monkeypatch.setenv("BKN_HOME", str(tmp_path / "home"))
    return root


@pytest.fixture
def parted(tmp_path, monkeypatch):
    """Two classes in train/ and test/."""
    root = tmp_path / "parted"
    for split, count in (("train", 6), ("test", 3)):
        for name in ("cats", "dogs"):
            for i in range(count):
                paint(root / split / name / f"{split}{i}.png", COLORS[name])
    monkeypatch.setenv("BKN_FOLDER", str(root))
    monkeypatch.setenv("BKN_HOME", str(tmp_path / "home"))
    return root


def test_without_a_folder_the_dataset_is_known_and_refused(monkeypatch):
    monkeypatch.delenv("BKN_FOLDER", raising=False)
    assert "folder" in DATASETS
    with pytest.raises(ValueError, match="dataset 'folder' is not set up here: whoever runs"):
        Experiment(dataset="folder")
    with pytest.raises(ValueError, match="is not set up here"):
        Sweep(datasets=("folder",))
    assert "not to be used: dataset 'folder' is not set up here" in words(CARD)


def test_pictures_are_split_by_their_names_alone(pictures):
    now = listing()
    paths = {one.path for one in now.test}
    assert paths == {
        path
        for name in COLORS
        for path in (f"{name}/{i}.png" for i in range(20))
        if for_testing(path)
    }
    assert 4 <= len(now.test) <= 20
    assert len(now.train) + len(now.test) == 60
    paint(pictures / "cats" / "more.png", (1, 2, 3))
    assert {one.path for one in listing().test} - {"cats/more.png"} == paths


def test_a_fifth_is_for_testing():
    assert 0.19 < np.mean([for_testing(f"class/{i}.jpg") for i in range(10_000)]) < 0.21


def test_train_and_test_folders_are_taken_as_they_are(parted):
    now = listing()
    assert now.classes == ("cats", "dogs")
    assert [one.path for one in now.train[:2]] == ["train/cats/train0.png", "train/cats/train1.png"]
    assert (len(now.train), len(now.test)) == (12, 6)
    assert [one.label for one in now.test] == [0, 0, 0, 1, 1, 1]


def test_an_experiment_holds_what_was_found_and_can_be_read_without_the_folder(
    pictures, monkeypatch
):
    made = Experiment(dataset="folder", batch=10)
    card = made.dataset_card
    assert (card.train, card.test) == (len(listing().train), len(listing().test))
    assert (card.shape, len(card.classes)) == ((3, 8, 8), 3)
    sweep = Sweep(datasets=("folder",), batches=(10,), micro_batches=(2,))
    race = Race.of(["batch", "kalman"], dataset="folder", batch=10)
    monkeypatch.delenv("BKN_FOLDER")
    assert Experiment.from_json(made.to_json()) == made
    assert replace(made, seed=3).dataset_card == card
    assert Race.from_json(race.to_json()) == race
    assert [job.id for job in Sweep.from_json(sweep.to_json()).jobs] == [j.id for j in sweep.jobs]
    with pytest.raises(ValueError, match="is not set up here"):
        Experiment(dataset="folder", batch=10)


def test_other_pictures_make_another_experiment(pictures, monkeypatch):
    def key():
        return Experiment(dataset="folder", batch=10).key

    first = key()
    assert key() == first
    paint(pictures / "cats" / "more.png", (1, 2, 3))
    second = key()
    (pictures / "cats" / "more.png").rename(pictures / "dogs" / "more.png")
    third = key()
    monkeypatch.setenv("BKN_FOLDER_SIZE", "9")
    assert len({first, second, third, key()}) == 4


def test_a_copy_of_the_folder_is_the_same_experiment_and_its_twin_is_not(
    pictures, tmp_path, monkeypatch
):
    first = Experiment(dataset="folder", batch=10).key
    shutil.copytree(pictures, tmp_path / "copy")
    monkeypatch.setenv("BKN_FOLDER", str(tmp_path / "copy"))
    assert Experiment(dataset="folder", batch=10).key == first
    for name in COLORS:  # as many files of the same names and lengths
        for path in (tmp_path / "copy" / name).iterdir():
            body = bytearray(path.read_bytes())
            body[-1] ^= 1
            path.write_bytes(body)
        (tmp_path / "copy" / name / "sign").touch()
    assert Experiment(dataset="folder", batch=10).key != first


@pytest.mark.parametrize("options", [{"content": 1}, {"train": 3, "test": 1}, {"path": "/etc"}])
def test_what_is_found_cannot_be_chosen(pictures, options):
    with pytest.raises(ValueError, match="options of folder are found, not chosen"):
        Experiment(dataset="folder", dataset_options=options)


def test_pictures_are_read_scaled_cut_and_labelled(parted, monkeypatch):
    monkeypatch.setenv("BKN_FOLDER_SIZE", "8")
    wide = Image.new("RGB", (40, 8), (0, 0, 0))
    wide.paste((255, 255, 255), (16, 0, 24, 8))  # only the middle is white
    wide.save(parted / "train" / "cats" / "train0.png")
    Image.new("L", (8, 8), 90).save(parted / "train" / "cats" / "train1.png")
    data = load()
    images, labels = data.train(torch.arange(12))
    real = (images * data._deviation + data._mean).round()
    assert labels.tolist() == [0] * 6 + [1] * 6
    assert real[0].unique().tolist() == [255]
    assert real[1].unique().tolist() == [90]
    assert real[2, :, 0, 0].tolist() == list(COLORS["cats"])
    assert real[11, :, 7, 7].tolist() == list(COLORS["dogs"])
    assert data.test(torch.arange(6))[1].tolist() == [0, 0, 0, 1, 1, 1]


def test_an_epoch_can_be_trained(pictures):
    run = train(
        Experiment(
            dataset="folder", batch=10, micro_batch=2, epochs=1, device="cpu", augment="crop_flip",
            network_options={"depth": 2, "width": 4},
        )
    )  # fmt: skip
    assert run.status == "finished"


def test_a_folder_that_has_changed_since_is_refused(pictures):
    made = Experiment(dataset="folder", batch=10)
    paint(pictures / "cats" / "more.png", (1, 2, 3))
    with pytest.raises(ValueError, match="are not those that this experiment was made for"):
        train(made)


def test_a_folder_at_rest_is_listed_once(pictures, monkeypatch):
    for path in (pictures, *(pictures / name for name in COLORS)):
        os.utime(path, (1, 1))
    first = listing()
    assert listing() is first
    paint(pictures / "cats" / "more.png", (1, 2, 3))
    assert len(listing().train) + len(listing().test) == 61


def test_links_are_not_followed_nor_hidden_files_looked_at(pictures, tmp_path):
    before = listing()
    paint(tmp_path / "outside" / "secret.png", (9, 9, 9))
    (pictures / "cats" / "link.png").symlink_to(tmp_path / "outside" / "secret.png")
    (pictures / "dogs" / "more").symlink_to(tmp_path / "outside")
    (pictures / "zebras").symlink_to(tmp_path / "outside")
    paint(pictures / "emus" / ".hidden.png", (9, 9, 9))
    paint(pictures / ".cache" / "x.png", (9, 9, 9))
    (pictures / "emus" / "notes.txt").write_text("no picture")
    now = listing()
    assert now.links == 2
    assert (now.options, now.classes) == (before.options, before.classes)


def test_pictures_in_deeper_folders_belong_to_the_class_above(pictures):
    paint(pictures / "cats" / "wild" / "1.JPG", (1, 1, 1))
    found = [one for one in (*listing().train, *listing().test) if "wild" in one.path]
    assert [(one.path, one.label) for one in found] == [("cats/wild/1.JPG", 0)]


def test_pictures_that_cannot_be_read_are_refused_with_their_number(pictures):
    (pictures / "cats" / "1.png").write_bytes(b"no picture at all")
    whole = (pictures / "dogs" / "2.png").read_bytes()
    (pictures / "dogs" / "2.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"2 of the 60 pictures in BKN_FOLDER cannot be read, the"):
        load()


def test_what_was_read_is_kept_until_a_picture_changes(pictures, monkeypatch):
    first, _ = load().train(torch.arange(5))
    monkeypatch.setattr(module, "read", lambda now: pytest.fail("read again"))
    again, _ = load().train(torch.arange(5))
    assert torch.equal(first, again)


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_what_is_kept_and_damaged_is_read_anew(pictures, damage):
    first, _ = load().train(torch.arange(5))
    path = module.kept_at(listing())
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body if damage is None else damage)
    again, _ = load().train(torch.arange(5))
    assert torch.equal(first, again)


def test_a_picture_that_is_painted_over_is_read_anew(pictures):
    now = listing()
    load()
    one = now.train[0]
    os.utime(pictures / one.path, ns=(1, one.changed + 1))
    (pictures / "cats" / "sign").touch()
    assert listing().options == now.options
    assert module.kept(listing()) is None
    load()
    load()
    assert len(list(module.kept_at(now).parent.glob("folder-*.npz"))) == 2


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda root: shutil.rmtree(root), "BKN_FOLDER names .*pictures, which is no folder"),
        (lambda root: (root / "train").mkdir(), "has a folder train/ and no folder test/ beside"),
        (lambda root: (root / "zoo").mkdir(), "has no training picture of 'zoo'"),
        (
            lambda root: [shutil.rmtree(root / name) for name in ("cats", "dogs")],
            "must have at least two subfolders, one per class, got 1",
        ),
    ],
)
def test_a_folder_that_will_not_do_is_refused_in_words(pictures, harm, message):
    harm(pictures)
    with pytest.raises(ValueError, match=message):
        Experiment(dataset="folder")


def test_classes_that_only_the_test_has_are_refused(parted):
    paint(parted / "test" / "yaks" / "1.png", (1, 1, 1))
    with pytest.raises(ValueError, match="classes in test/ that are not in train/: yaks"):
        listing()
    shutil.rmtree(parted / "test")
    (parted / "test").mkdir()
    with pytest.raises(ValueError, match="no picture left for testing"):
        listing()


@pytest.mark.parametrize("size", ["7", "225", "8.5", "large"])
def test_a_size_that_will_not_do_is_refused(pictures, monkeypatch, size):
    monkeypatch.setenv("BKN_FOLDER_SIZE", size)
    with pytest.raises(ValueError, match=r"BKN_FOLDER_SIZE must be a whole number in \[8, 224\]"):
        listing()


def test_pictures_that_would_fill_the_memory_are_refused(pictures, monkeypatch):
    monkeypatch.setattr("bkn.data.listing.MOST", 1000.0)
    paint(pictures / "cats" / "more.png", (1, 2, 3))
    with pytest.raises(ValueError, match="choose a smaller BKN_FOLDER_SIZE"):
        listing()


def test_the_endings_are_those_of_torchvision():
    assert ENDINGS == IMG_EXTENSIONS


def test_the_command_line_says_what_is_found(pictures):
    test = len(listing().test)
    assert words(CARD) == (
        f"here, {60 - test} pictures for training and {test} for testing in 3 classes, 8x8"
    )


def test_a_sweep_takes_the_folder_alone(pictures):
    with pytest.raises(ValueError, match="datasets must name 'folder' alone"):
        Sweep(datasets=("folder", "digits"))
