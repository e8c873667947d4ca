"""Whole datasets: fetched, unpacked and noted; damaged, put there by hand, or out of reach."""

import shutil
import socket
import threading
from dataclasses import replace

import pytest
import torch

from bkn.catalog import DATASETS
from bkn.data.downloaded import load
from bkn.fetch.dataset import Doing, fetch, prepare, sources
from bkn.fetch.lock import locked
from bkn.fetch.state import MissingData, require, state
from bkn.fetch.transfer import Patience
from tests.data.tiny import KEYS, TRAIN, expected, files
from tests.patience import until

HURRY = Patience(timeout=5.0, pauses=(0.0, 0.0))
every_key = pytest.mark.parametrize("key", KEYS)


def spoil(path):
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


@every_key
def test_a_dataset_is_fetched_unpacked_noted_and_can_be_used(key, card_of, folder):
    card, said = card_of(key), []
    assert state(card).kind == "missing"
    fetch(card, say=said.append, patience=HURRY)
    assert files(folder) == expected(card)
    assert state(card).kind == "here"
    assert state(card).size == sum(
        path.stat().st_size for path in map(folder.joinpath, files(folder))
    )
    require(card)
    assert load(card).train_size == TRAIN
    doings = [doing.what for doing in said]
    assert doings[0] == "checking"
    assert set(doings) == {"checking", "downloading"} | (
        {"unpacking"} if card.files[0].holds else set()
    )
    loading = [doing.done for doing in said if doing.what == "downloading"]
    assert loading == sorted(loading)
    assert loading[-1] == said[-1].total == card.size


def test_what_is_here_is_not_fetched_again(card_of, folder, site):
    card = card_of("mnist")
    fetch(card, patience=HURRY)
    asked = len(site.asked)
    fetch(card, patience=HURRY)
    assert len(site.asked) == asked


@every_key
def test_a_damaged_file_is_refused_and_fetched_again(key, card_of, folder):
    card = card_of(key)
    fetch(card, patience=HURRY)
    for path in expected(card):
        spoil(folder / path)
    assert state(card).kind == "missing"  # length is as before, time is not
    words = f"{key} is damaged on this machine \\(.* does not have its checksum\\); fetch it"
    with pytest.raises(MissingData, match=words):
        load(card)
    fetch(card, patience=HURRY)
    assert torch.equal(load(card).train(torch.arange(9))[1], torch.arange(9))


def test_damage_that_keeps_length_and_time_is_found_before_it_is_read(card_of, folder):
    """The page may take it for whole; training does not."""
    import os

    card = card_of("cifar10")
    fetch(card, patience=HURRY)
    path = folder / card.files[0].holds[2][0]
    times = path.stat()
    spoil(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    (folder / card.files[0].path).unlink()
    assert state(card).kind == "here"
    with pytest.raises(MissingData, match="data_batch_3 does not have its checksum"):
        load(card)
    assert state(card).kind == "missing"  # now the page knows as well


@pytest.mark.parametrize("key", ["mnist", "cifar10"])
def test_damage_behind_a_whole_archive_is_mended_without_a_network(key, card_of, folder, site):
    card = card_of(key)
    fetch(card, patience=HURRY)
    asked = len(site.asked)
    for file in card.files:
        for path, _ in file.holds:
            spoil(folder / path)
    (folder / card.files[0].holds[0][0]).unlink()
    assert load(card).train_size == TRAIN
    assert len(site.asked) == asked
    assert state(card).kind == "here"


@every_key
def test_files_put_there_by_hand_are_taken_once_they_are_found_whole(key, card_of, folder, site):
    card = card_of(key)
    shutil.copytree(site.folder, folder)
    assert state(card).kind == "missing"
    assert load(card).train_size == TRAIN
    assert state(card).kind == "here"
    assert site.asked == []


def test_an_unpacked_archive_alone_will_do(card_of, folder, site):
    card = card_of("cifar100")
    fetch(card, patience=HURRY)
    (folder / card.files[0].path).unlink()
    shutil.rmtree(folder / ".bkn")
    asked = len(site.asked)
    assert load(card).train_size == TRAIN
    fetch(card, patience=HURRY)
    assert len(site.asked) == asked


def test_only_the_missing_files_are_fetched(card_of, folder, site):
    card = card_of("fashion_mnist")
    fetch(card, patience=HURRY)
    gone = card.files[2]
    (folder / gone.path).unlink()
    (folder / gone.holds[0][0]).unlink()
    site.asked.clear()
    said = []
    fetch(card, say=said.append, patience=HURRY)
    assert site.names() == ["t10k-images-idx3-ubyte.gz"]
    first = next(doing for doing in said if doing.what == "downloading")
    assert first.done == card.size - gone.size


def test_an_archive_that_holds_something_else_is_refused(card_of, folder):
    card = card_of("cifar10")
    (file,) = card.files
    wrong = replace(file, holds=((file.holds[0][0], "0" * 32), *file.holds[1:]))
    with pytest.raises(ValueError, match=r"data_batch_1 inside cifar-10-python\.tar\.gz does not"):
        fetch(replace(card, files=(wrong,)), patience=HURRY)
    lacking = replace(file, holds=(("cifar-10-batches-py/more", "0" * 32),))
    with pytest.raises(ValueError, match=r"cifar-10-python\.tar\.gz cannot be unpacked: .*more"):
        fetch(replace(card, files=(lacking,)), patience=HURRY)
    assert state(card).kind == "missing"
    assert not (folder / "cifar-10-batches-py" / "data_batch_1").exists()


def test_offline_is_said_with_what_to_do_by_hand(card_of, folder, monkeypatch):
    card = card_of("svhn")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("BKN_DATA_MIRROR", f"http://{address}/school")
        with pytest.raises(ValueError, match="could not reach") as refused:
            fetch(card, patience=HURRY)
    assert str(refused.value) == (
        f"could not reach {address}: Connection refused. Put train_32x32.mat, test_32x32.mat into "
        f"{folder} by hand, or set BKN_DATA_MIRROR to the address of a folder that has them"
    )
    assert files(folder) == set()


def test_a_mirror_takes_the_place_of_all_sources(card_of, monkeypatch):
    file = DATASETS["mnist"].files[0]
    monkeypatch.setenv("BKN_DATA_MIRROR", "https://school.example/data/")
    assert sources(file) == ("https://school.example/data/MNIST/raw/train-images-idx3-ubyte.gz",)
    monkeypatch.setenv("BKN_DATA_MIRROR", "file:///etc")
    with pytest.raises(ValueError, match="BKN_DATA_MIRROR must begin with http"):
        sources(file)
    for wrong in ("http://[::1", "https://", "http://host:port/data"):
        monkeypatch.setenv("BKN_DATA_MIRROR", wrong)
        with pytest.raises(ValueError, match=r"BKN_DATA_MIRROR must be a web address .*, got '"):
            sources(file)
    monkeypatch.delenv("BKN_DATA_MIRROR")
    assert sources(file) == file.urls
    assert file.urls[0].startswith("https://ossci-datasets.s3.amazonaws.com/mnist/train-images")


def test_two_at_once_share_one_transfer(card_of, folder, site):
    card, said = card_of("cifar10"), []
    site.waits = 1000
    first = threading.Thread(target=fetch, args=(card,), kwargs={"patience": HURRY})
    first.start()
    until(lambda: site.sent, "the first to be under way")
    second = threading.Thread(target=fetch, args=(card, None, said.append, HURRY))
    second.start()
    until(lambda: Doing("waiting", who=said[-1].who) in said if said else False, "it to wait")
    assert int(said[-1].who) > 0
    site.go.set()
    for thread in (first, second):
        thread.join()
    assert site.names() == ["cifar-10-python.tar.gz"]
    assert load(card).train_size == TRAIN


def test_a_lock_whose_holder_is_gone_holds_nobody_up(tmp_path):
    path = tmp_path / "x.lock"
    path.write_text("999999")
    with locked(path, lambda who: pytest.fail(f"waits for {who}")):
        assert int(path.read_text()) != 999999


def test_too_little_room_is_said_before_anything_is_fetched(card_of, folder, site, monkeypatch):
    card = card_of("svhn")
    free = shutil.disk_usage(site.folder)._replace(free=1000)
    monkeypatch.setattr("bkn.fetch.dataset.shutil.disk_usage", lambda path: free)
    with pytest.raises(ValueError, match=r"svhn needs 0\.\d MB in .*, where 0\.0 MB are free"):
        fetch(card, patience=HURRY)
    assert site.asked == []


def test_a_folder_that_cannot_be_written_is_said(card_of, folder):
    folder.write_text("this is a file")
    with pytest.raises(ValueError, match=r"mnist cannot be kept in .*data: "):
        fetch(card_of("mnist"), patience=HURRY)


def test_a_disk_that_is_full_is_said(card_of, folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bkn.fetch.transfer.os.fsync", full)
    card = card_of("svhn")
    with pytest.raises(ValueError, match=r"svhn cannot be kept in .*: No space left on device"):
        fetch(card, patience=HURRY)
    assert files(folder) == set()


def test_what_is_shipped_is_always_there():
    assert state(DATASETS["digits"]).kind == "shipped"
    require(DATASETS["shapes"])


def test_a_note_that_is_no_note_is_not_believed(card_of, folder):
    card = card_of("svhn")
    fetch(card, patience=HURRY)
    for text in ("", "[]", "{}", '{"train_32x32.mat": null}'):
        (folder / ".bkn" / "svhn.json").write_text(text)
        assert state(card).kind == "missing"
    prepare(card)
    assert state(card).kind == "here"


def test_what_came_so_far_is_told(card_of, folder):
    card = card_of("cifar10")
    folder.mkdir()
    (folder / (card.files[0].path + ".part")).write_bytes(b"x" * 5000)
    assert (state(card).kind, state(card).size) == ("missing", 5000)
    with pytest.raises(MissingData, match=r"cifar10 is not on this machine; fetch it \(0\.\d MB\)"):
        require(card)
