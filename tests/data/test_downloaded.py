"""Datasets that are fetched: cards that agree with torchvision, and files of its formats."""

from dataclasses import replace

import pytest
import torch
from torchvision import datasets

from bkn import Experiment, train
from bkn.catalog import DATASETS
from bkn.catalog.downloads import CARDS
from bkn.data.downloaded import load
from bkn.data.stored import StoredImages, moments
from bkn.fetch.state import MissingData
from tests.data.tiny import KEYS, TEST, TRAIN, make, pixels

every_key = pytest.mark.parametrize("key", KEYS)
THEIRS = {
    "mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST,
    "cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100, "svhn": datasets.SVHN,
}  # fmt: skip


@pytest.mark.parametrize("key", ["mnist", "fashion_mnist"])
def test_files_of_mnists_format_are_those_of_torchvision(key):
    theirs, files = THEIRS[key], DATASETS[key].files
    assert [(file.path.split("/")[-1], file.md5) for file in files] == theirs.resources
    for file in files:
        folder, raw, name = file.path.split("/")
        assert (folder, raw) == (theirs.__name__, "raw")
        assert file.urls == tuple(mirror + name for mirror in theirs.mirrors)


@pytest.mark.parametrize("key", ["cifar10", "cifar100"])
def test_files_of_cifars_format_are_those_of_torchvision(key):
    theirs, (file,) = THEIRS[key], DATASETS[key].files
    assert (file.path, file.md5, file.urls) == (theirs.filename, theirs.tgz_md5, (theirs.url,))
    meta = [theirs.meta["filename"], theirs.meta["md5"]]
    held = [*theirs.train_list, *theirs.test_list, meta]
    assert file.holds == tuple((f"{theirs.base_folder}/{name}", md5) for name, md5 in held)


def test_files_of_svhn_are_those_of_torchvision():
    lists = datasets.SVHN.split_list
    ours = [[*file.urls, file.path, file.md5] for file in DATASETS["svhn"].files]
    assert ours == [lists["train"], lists["test"]]


@every_key
def test_the_card_says_how_much_is_downloaded(key):
    card = DATASETS[key]
    assert f"about {round(card.size / 1e6)} MB" in card.source
    assert len(set(card.classes)) == len(card.classes) == (100 if key == "cifar100" else 10)


def test_class_names_are_those_of_torchvision():
    ours = [name.split(" ")[0] for name in DATASETS["mnist"].classes]
    assert ours == [name[0] for name in datasets.MNIST.classes]
    assert list(DATASETS["fashion_mnist"].classes) == datasets.FashionMNIST.classes


@every_key
def test_tiny_files_of_the_real_format_are_read(key, tmp_path):
    card = make(key, tmp_path)
    data = load(card, folder=tmp_path)
    assert (data.train_size, data.test_size) == (TRAIN, TEST)
    assert (data.shape, data.classes) == (card.shape, len(card.classes))
    for take, count, seed in ((data.train, TRAIN, 1), (data.test, TEST, 2)):
        images, labels = take(torch.arange(count))
        assert images.dtype == torch.float32
        assert labels.dtype == torch.int64
        real, classes = (torch.from_numpy(part) for part in pixels(card, count, seed))
        assert torch.equal(labels, classes)
        back = images * data._deviation + data._mean
        assert (back - real).abs().max() < 1e-3
    images, _ = data.train(torch.arange(TRAIN))
    assert images.mean((0, 2, 3)).abs().max() < 1e-5
    assert (images.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-5
    assert (tmp_path.parent / "outside").exists() is False


@every_key
def test_an_epoch_can_be_trained(key, tmp_path, monkeypatch):
    monkeypatch.setitem(DATASETS, key, make(key, tmp_path))
    monkeypatch.setenv("BKN_DATA_DIR", str(tmp_path))
    run = train(
        Experiment(
            dataset=key, batch=10, micro_batch=2, epochs=1, augment="crop_flip", device="cpu",
            network_options={"depth": 2, "width": 4},
        )
    )  # fmt: skip
    assert run.status == "finished"
    assert len(run.scalars()) == 6


def test_a_batch_is_a_function_of_the_positions(tmp_path):
    card = make("cifar10", tmp_path)
    data = load(card, folder=tmp_path)
    index = torch.tensor([3, 59, 3])
    images, labels = data.train(index)
    again, _ = load(card, folder=tmp_path).train(index[1:2])
    assert torch.equal(images[0], images[2])
    assert torch.equal(images[1], again[0])
    assert labels.tolist() == [3, 9, 3]
    with pytest.raises(ValueError, match=r"training images must lie in \[0, 59\], got 60"):
        data.train(torch.tensor([60]))
    with pytest.raises(ValueError, match=r"test images must lie in \[0, 19\], got 20"):
        data.test(torch.tensor([20]))


def test_mean_and_deviation_are_exact():
    images = torch.randint(0, 256, (5000, 2, 3, 3), dtype=torch.uint8)
    images[:, 1] = 7
    mean, deviation = moments(images)
    first = images[:, 0].double()
    assert mean.tolist() == pytest.approx([first.mean().item(), 7.0], rel=1e-12)
    assert deviation.tolist() == pytest.approx([first.std(correction=0).item(), 1.0], rel=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": 59}, r"must be bytes of shape \(59, 3, 32, 32\), got uint8 of shape \(60,"),
        ({"shape": (1, 28, 28)}, r"must be bytes of shape \(60, 1, 28, 28\)"),
        ({"classes": ("a", "b")}, r"the train split must have labels in \[0, 1\], got 0 to 9"),
    ],
)
def test_files_that_are_not_what_the_card_says_are_refused(tmp_path, change, words):
    card = replace(make("svhn", tmp_path), **change)
    with pytest.raises(ValueError, match=words):
        load(card, folder=tmp_path)


def test_images_without_a_label_are_refused(tmp_path):
    card = make("svhn", tmp_path)
    images = torch.zeros(60, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"svhn: the train split must have 60 labels, got \(59,\)"):
        StoredImages(card, (images, torch.zeros(59).long()), (images[:20], torch.zeros(20).long()))


@pytest.mark.parametrize("card", CARDS, ids=KEYS)
def test_what_is_not_here_is_refused_with_what_to_do(card, tmp_path):
    with pytest.raises(MissingData) as refused:
        load(card, folder=tmp_path / "nowhere")
    assert str(refused.value).startswith(f"{card.key} is not on this machine; fetch it (")
    assert str(refused.value).endswith(f" MB) with: python -m bkn data {card.key}")
