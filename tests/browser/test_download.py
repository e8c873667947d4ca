"""Images that are not on this machine, in a real browser: a bar that moves, Cancel, and offline."""

import pytest

from tests.browser.driving import press, serve, wait_rest, wait_said
from tests.fetch.serving import serving
from tests.patience import until

NAME = "train_32x32.mat"
SIZE = 400_000  # bytes that the site has; the card knows of more


@pytest.fixture
def site(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / NAME).write_bytes(bytes(SIZE))
    with serving(tmp_path / "site") as found:
        monkeypatch.setenv("BKN_DATA_MIRROR", found.url)
        monkeypatch.setenv("BKN_DATA_DIR", str(tmp_path / "data"))
        yield found


@pytest.fixture
def lab(site, tmp_path):
    (tmp_path / "home").mkdir()
    server = serve(tmp_path / "home")
    yield server
    server.stop()


def wait_idle(page):
    """Wait until the server has drawn what it had to: a click into the middle of that is lost."""
    app = page.locator(".stApp").first
    until(lambda: app.get_attribute("data-test-script-state") == "notRunning", "the server to rest")


def test_a_download_is_followed_cancelled_and_said_where_it_fails(lab, site, visit):
    site.waits = 100_000
    page = visit(f"{lab.url}/?dataset=svhn")
    wait_rest(page)
    wait_said(page, "SVHN is not on this machine yet: 246 MB from 127.0.0.1")
    assert page.locator(".st-key-start button").is_disabled()

    press(page, "download")
    wait_said(page, "SVHN: 0.1 MB of 246 MB")  # nobody has touched the page since
    press(page, "download_cancel")
    wait_said(page, "0.1 MB came already.")
    wait_idle(page)
    (site.folder / NAME).unlink()
    site.go.set()
    press(page, "download")
    wait_said(page, "SVHN could not be fetched: 127.0.0.1")
    wait_said(page, f"Put {NAME}, test_32x32.mat into")
    until(lambda: page.locator(".st-key-download button").is_visible(), "the button to be back")
