"""A tiny dataset on a server of this machine, and a folder to fetch it into."""

import pytest

from bkn.catalog import DATASETS
from tests.data.tiny import make
from tests.fetch.serving import serving


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The server; its address is set as the mirror."""
    (tmp_path / "site").mkdir()
    with serving(tmp_path / "site") as found:
        monkeypatch.setenv("BKN_DATA_MIRROR", found.url)
        yield found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where data are fetched into."""
    monkeypatch.setenv("BKN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def card_of(site, monkeypatch):
    """Makes the tiny dataset of that key, served and in the catalogue."""

    def card_of(key):
        card = make(key, site.folder)
        monkeypatch.setitem(DATASETS, key, card)
        return card

    return card_of
