"""The Race page and images that are not on this machine: offered, fetched, cancelled, raced."""

import pickle
import sys

import pytest

from app import downloads
from bkn.catalog import DATASETS
from bkn.engine import following
from bkn.engine.fetching import Fetched
from bkn.fetch.state import state
from bkn.home import ROOT
from tests.app.reading import click, link, open_page, said
from tests.data.test_folder import paint
from tests.fetch.conftest import card_of, folder, site
from tests.patience import until

__all__ = ["card_of", "folder", "site"]


class NotingFetching:
    """Starts no process."""

    def __init__(self):
        self.asked, self.refusal, self.progress = [], "", Fetched()

    def start(self, key):
        if self.refusal:
            raise ValueError(self.refusal)
        self.asked.append(key)

    def cancel(self):
        self.asked.append("cancel")


@pytest.fixture
def noting(monkeypatch, folder):
    found = NotingFetching()
    monkeypatch.setattr(downloads, "fetching", lambda: found)
    return found


@pytest.fixture
def fetching(supervisor, card_of, tmp_path, monkeypatch):
    """The real one, whose process has a tiny SVHN in its catalogue."""
    card = card_of("svhn")
    (tmp_path / "cards").write_bytes(pickle.dumps([card]))
    popen, ours = following.subprocess.Popen, ["tests.fetch.with_cards", str(tmp_path / "cards")]

    def play(command, **more):
        if "bkn" not in command:
            return popen(command, **more)
        return popen([sys.executable, "-m", *ours, *command[3:]], **(more | {"cwd": ROOT}))

    monkeypatch.setattr(following.subprocess, "Popen", play)
    yield downloads.fetching()
    downloads.fetching().cancel()


def shown(page):
    return " ".join(html.proto.body for html in page.get("html")) + said(page)


def keys(page):
    return {button.key for button in page.button}


def bars(page):
    return " ".join(bar.proto.text for bar in page.get("progress"))


def test_missing_images_are_said_with_their_size_and_a_button_in_place_of_start(page, noting):
    open_page(page, dataset="cifar10")
    words = "CIFAR-10 is not on this machine yet: 170 MB from www.cs.toronto.edu. Fetch it once"
    assert words in shown(page)
    assert page.button(key="start").disabled
    assert page.button(key="step").disabled
    click(page, "download")
    assert noting.asked == ["cifar10"]


@pytest.mark.parametrize("dataset", ["digits", "shapes"])
def test_nothing_is_said_about_images_that_are_here(page, noting, dataset):
    open_page(page, dataset=dataset)
    assert "not on this machine" not in shown(page)
    assert not {"download", "download_cancel"} & keys(page)
    assert not page.button(key="start").disabled


def test_a_folder_of_pictures_that_nobody_set_up_is_said(page, noting, monkeypatch):
    monkeypatch.delenv("BKN_FOLDER", raising=False)
    open_page(page, dataset="folder")
    assert "cannot start: dataset 'folder' is not set up here: whoever runs this lab" in said(page)
    assert not {"download", "download_cancel"} & keys(page)
    assert page.button(key="start").disabled


def test_a_folder_of_pictures_that_is_set_up_can_be_raced(page, supervisor, monkeypatch, tmp_path):
    for place in range(60):
        paint(tmp_path / "zoo" / f"class{place % 2}" / f"{place}.png", (place, 0, 0))
    monkeypatch.setenv("BKN_FOLDER", str(tmp_path / "zoo"))
    open_page(page, dataset="folder", batch="16")
    click(page, "start")
    race = supervisor.sent[-1][1]
    assert race.common.dataset_card.shape == (3, 32, 32)
    monkeypatch.delenv("BKN_FOLDER")
    page.run()  # what was raced can be looked at wherever the pictures are not
    assert not page.exception


def test_what_came_before_is_said(page, noting, folder):
    folder.mkdir()
    (folder / "cifar-10-python.tar.gz.part").write_bytes(b"x" * 12_300_000)
    open_page(page, dataset="cifar10")
    assert "12 MB came already." in shown(page)


def test_a_mirror_that_is_none_is_said(page, noting, monkeypatch):
    monkeypatch.setenv("BKN_DATA_MIRROR", "ftp://school")
    open_page(page, dataset="cifar10")
    assert "BKN_DATA_MIRROR must begin with http" in shown(page)


def test_how_far_it_is_is_shown_and_can_be_cancelled(page, noting):
    noting.progress = Fetched(True, "svhn", "downloading", 64_000_000, 246_000_000, 3.21e6)
    open_page(page, dataset="cifar10")
    assert bars(page) == "SVHN: 64 MB of 246 MB, 3.2 MB a second"
    assert "download" not in keys(page)
    click(page, "download_cancel")
    assert noting.asked == ["cancel"]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (Fetched(True, "svhn", "waiting"), "another process is fetching it"),
        (Fetched(True, "svhn", "checking"), "looking at what is here"),
        (Fetched(True, "svhn", "unpacking"), "unpacking"),
        (Fetched(True, "svhn"), "getting ready"),
        (Fetched(True, "svhn", "downloading", 5, 10_000_000), "0.0 MB of 10 MB"),
    ],
)
def test_every_doing_has_its_words(now, words):
    assert downloads.doing(now) == words
    assert 0 <= downloads.share(now) <= 1


def test_a_failure_is_said_where_it_matters(page, noting):
    noting.progress = Fetched(key="svhn", failure="could not reach ufldl.stanford.edu: no route")
    open_page(page, dataset="svhn")
    assert "SVHN could not be fetched: could not reach ufldl.stanford.edu" in said(page)
    page.selectbox(key="dataset").select("digits").run()
    assert "could not be fetched" not in said(page)


def test_a_refusal_is_said_and_gone_with_the_next_click(page, noting):
    noting.refusal = "another dataset is being fetched"
    open_page(page, dataset="svhn")
    click(page, "download")
    assert "another dataset is being fetched" in said(page)
    noting.refusal = ""
    click(page, "download")
    assert "another dataset" not in said(page)


def test_it_looks_again_while_something_is_fetched(noting):
    assert downloads.soonest(None) is None
    noting.progress = Fetched(True, "svhn")
    assert downloads.soonest(None) == downloads.TICK
    assert downloads.soonest(2.0) == downloads.TICK
    assert downloads.soonest(0.2) == 0.2


def test_from_the_button_to_a_race(page, supervisor, fetching, site, folder):
    site.waits = 100_000
    open_page(page, dataset="svhn", batch="20")
    click(page, "download")
    until(lambda: fetching.progress.done, "the first bytes")
    page.run()
    assert bars(page).startswith("SVHN: 0.")
    click(page, "download_cancel")
    assert "came already" in shown(page)
    site.waits = 0
    click(page, "download")
    until(lambda: not fetching.progress.running, "the end")
    page.run()
    assert "not on this machine" not in shown(page)
    assert state(DATASETS["svhn"]).ready
    click(page, "start")
    assert supervisor.sent[-1][1].common.dataset == link(page, "dataset") == "svhn"


def test_offline_is_said_on_the_page(page, fetching, site, monkeypatch):
    site.statuses = [404]
    open_page(page, dataset="svhn", batch="20")
    click(page, "download")
    until(lambda: not fetching.progress.running, "the end")
    page.run()
    assert "SVHN could not be fetched: 127.0.0.1:" in said(page)
    assert "Put train_32x32.mat, test_32x32.mat into" in said(page)
    assert page.button(key="start").disabled
