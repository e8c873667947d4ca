"""Digits are scikit-learn's images, split once and for all, standardized by the training part."""

import hashlib

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from bkn.catalog import DATASETS
from bkn.data import digits

CARD = DATASETS["digits"]


@pytest.fixture(scope="module")
def data():
    return digits.load()


def test_the_file_equals_scikit_learns_copy():
    original = load_digits()
    with np.load(digits.FILE) as file:
        assert np.array_equal(file["images"], original.images)
        assert np.array_equal(file["labels"], original.target)


def test_the_split_never_changes():
    with np.load(digits.FILE) as file:
        places = np.flatnonzero(file["test"]).astype("<i8")
    assert hashlib.sha256(places.tobytes()).hexdigest()[:16] == "d1216b0f8a7ce7f6"


def test_the_split_is_stratified_and_covers_every_image_once(data):
    _, train = data.train(torch.arange(data.train_size))
    _, test = data.test(torch.arange(data.test_size))
    both = torch.bincount(train) + torch.bincount(test)
    assert torch.equal(both, torch.from_numpy(np.bincount(load_digits().target)))
    share = torch.bincount(test) / both
    assert (share - 447 / 1797).abs().max() < 1 / both.min()


def test_sizes_agree_with_the_card(data):
    assert (data.train_size, data.test_size) == (CARD.train, CARD.test) == (1350, 447)
    assert data.shape == CARD.shape
    assert data.classes == len(CARD.classes)


def test_the_training_split_has_mean_0_and_deviation_1_and_the_test_split_shares_the_units(data):
    train, _ = data.train(torch.arange(data.train_size))
    test, _ = data.test(torch.arange(data.test_size))
    assert train.dtype == torch.float32
    assert train.mean().abs() < 1e-5
    assert (train.std() - 1).abs() < 1e-5
    assert test.min() == train.min()  # grey 0 on both sides
    assert test.max() == train.max()


def test_a_batch_is_a_function_of_the_positions(data):
    index = torch.tensor([3, 1349, 3, 0])
    images, labels = data.train(index)
    assert images.shape == (4, 1, 8, 8)
    assert labels.dtype == torch.int64
    for place, image, label in zip(index, images, labels, strict=True):
        alone = digits.load().train(place[None])
        assert torch.equal(alone[0][0], image)
        assert alone[1] == label


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (torch.tensor([1350]), r"training images must lie in \[0, 1349\], got 1350"),
        (torch.tensor([5, -1]), r"\[0, 1349\], got -1"),
        (torch.tensor([[1]]), r"a row of whole numbers, got int64 of shape \(1, 1\)"),
        (torch.tensor([1.0]), "a row of whole numbers, got float32"),
        (torch.tensor([True]), "a row of whole numbers, got bool"),
    ],
)
def test_a_wrong_position_is_refused_in_words(data, index, words):
    with pytest.raises(ValueError, match=words):
        data.train(index)


def test_the_test_split_has_its_own_range(data):
    with pytest.raises(ValueError, match=r"test images must lie in \[0, 446\], got 447"):
        data.test(torch.tensor([447]))


def test_an_empty_batch_is_empty(data):
    images, labels = data.train(torch.tensor([], dtype=torch.long))
    assert images.shape == (0, 1, 8, 8)
    assert labels.shape == (0,)


def test_a_missing_file_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(digits, "FILE", tmp_path / "digits.npz")
    with pytest.raises(FileNotFoundError, match=r"assets/digits/make\.py"):
        digits.load()
