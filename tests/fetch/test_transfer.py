"""One file from servers that fail: tried again, gone on with, checked, or refused in words."""

import socket

import pytest

from bkn.cards import RemoteFile
from bkn.fetch.transfer import Patience, Unreachable, host, transfer
from tests.data.tiny import md5_of

BODY = bytes(range(256)) * 2000  # 512 kB: several chunks
FILE = RemoteFile("sub/file.bin", len(BODY), md5_of(BODY), ())
HURRY = Patience(timeout=5.0, pauses=(0.0, 0.0, 0.0))
PART = "sub/file.bin.part"


@pytest.fixture
def url(site):
    path = site.folder / "sub" / "file.bin"
    path.parent.mkdir()
    path.write_bytes(BODY)
    return f"{site.url}/sub/file.bin"


def whole(folder):
    """The file is there, and nothing of it in the making."""
    assert sorted(path.name for path in (folder / "sub").iterdir()) == ["file.bin"]
    return (folder / FILE.path).read_bytes() == BODY


def nothing(folder):
    return not (folder / FILE.path).exists()


def test_a_file_comes_and_is_told_of(site, url, folder):
    heard = []
    transfer(FILE, folder, [url], heard.append, HURRY)
    assert whole(folder)
    assert heard == sorted(heard)
    assert (heard[0], heard[-1]) == (0, len(BODY))
    assert len(heard) > 3


def test_what_broke_off_is_gone_on_with(site, url, folder):
    site.breaks = [100_000, 200_000]
    transfer(FILE, folder, [url], patience=HURRY)
    assert whole(folder)
    assert [wanted for _, wanted in site.asked] == ["", "bytes=100000-", "bytes=300000-"]
    assert site.sent == len(BODY)


def test_a_server_that_cannot_go_on_begins_anew(site, url, folder):
    site.breaks, site.resumes = [100_000], False
    heard = []
    transfer(FILE, folder, [url], heard.append, HURRY)
    assert whole(folder)
    assert heard.count(0) == 2
    assert [wanted for _, wanted in site.asked] == ["", "bytes=100000-"]


def test_what_never_comes_to_its_end_is_said_and_kept_to_go_on_with(site, url, folder):
    site.breaks = [1000, 1000, 1000, 1000]
    words = r"127\.0\.0\.1:\d+ broke off after 0\.0 MB of 0\.5 MB"
    with pytest.raises(Unreachable, match=words):
        transfer(FILE, folder, [url], patience=HURRY)
    assert nothing(folder)
    assert (folder / PART).stat().st_size == 4000
    transfer(FILE, folder, [url], patience=HURRY)
    assert whole(folder)
    assert site.asked[-1][1] == "bytes=4000-"


def test_what_comes_wrong_is_thrown_away_and_fetched_again(site, url, folder):
    site.damage = 1
    transfer(FILE, folder, [url], patience=HURRY)
    assert whole(folder)
    assert [wanted for _, wanted in site.asked] == ["", ""]


def test_what_always_comes_wrong_is_never_kept(site, url, folder):
    site.damage = 99
    words = r"what 127\.0\.0\.1:\d+ sends as file\.bin does not have its checksum"
    with pytest.raises(Unreachable, match=words):
        transfer(FILE, folder, [url], patience=HURRY)
    assert nothing(folder)
    assert not (folder / PART).exists()
    assert len(site.asked) == 4


def test_leftovers_of_another_file_are_thrown_away(site, url, folder):
    (folder / "sub").mkdir(parents=True)
    (folder / PART).write_bytes(b"x" * 1000)
    transfer(FILE, folder, [url], patience=HURRY)
    assert whole(folder)
    (folder / PART).write_bytes(b"x" * (len(BODY) + 1))  # and so longer ones
    (folder / FILE.path).unlink()
    transfer(FILE, folder, [url], patience=HURRY)
    assert whole(folder)


def test_what_had_come_but_had_no_name_yet_is_not_asked_for_again(site, url, folder):
    (folder / "sub").mkdir(parents=True)
    (folder / PART).write_bytes(BODY)
    transfer(FILE, folder, [url], patience=HURRY)
    assert whole(folder)
    assert site.asked == []


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again(site, url, folder, status):
    site.statuses = [status, status]
    transfer(FILE, folder, [url], patience=HURRY)
    assert whole(folder)
    assert len(site.asked) == 3


def test_a_server_that_stays_in_trouble_is_said(site, url, folder):
    site.statuses = [500] * 9
    with pytest.raises(Unreachable, match="answers 500 Internal Server Error for http://127"):
        transfer(FILE, folder, [url], patience=HURRY)
    assert len(site.asked) == 4


@pytest.mark.parametrize("status", [404, 403])
def test_a_server_that_does_not_have_it_is_not_asked_again(site, url, folder, status):
    site.statuses = [status] * 9
    with pytest.raises(Unreachable, match=f"answers {status} "):
        transfer(FILE, folder, [url], patience=HURRY)
    assert len(site.asked) == 1


def test_the_next_source_is_asked_where_the_first_fails(site, url, folder):
    transfer(FILE, folder, [f"{site.url}/elsewhere/file.bin", url], patience=HURRY)
    assert whole(folder)
    assert len(site.asked) == 2


def test_nobody_there_is_said_in_words_with_every_source(folder):
    with socket.socket() as one, socket.socket() as other:
        for closed in (one, other):
            closed.bind(("127.0.0.1", 0))
        hosts = [f"127.0.0.1:{closed.getsockname()[1]}" for closed in (one, other)]
        with pytest.raises(Unreachable) as refused:
            transfer(FILE, folder, [f"http://{one}/a" for one in hosts], patience=HURRY)
    words = [f"could not reach {one}: Connection refused" for one in hosts]
    assert str(refused.value) == "; ".join(words)
    assert nothing(folder)


def test_a_server_that_falls_silent_is_given_up(site, url, folder):
    site.waits = 70_000
    with pytest.raises(Unreachable, match=r"broke off after 0\.1 MB: timed out"):
        transfer(FILE, folder, [url], patience=Patience(timeout=0.2, pauses=()))
    assert nothing(folder)


def test_a_server_that_sends_without_end_is_stopped(site, url, folder):
    with (site.folder / "sub" / "file.bin").open("ab") as file:
        file.truncate(40_000_000)
    little = RemoteFile(FILE.path, 1000, FILE.md5, ())
    with pytest.raises(Unreachable, match=r"sends is longer than file\.bin can be"):
        transfer(little, folder, [url], patience=Patience(pauses=()))
    assert site.sent < 40_000_000
    assert not (folder / PART).exists()


def test_pauses_come_between_the_rounds(site, url, folder, monkeypatch):
    slept = []
    monkeypatch.setattr("bkn.fetch.transfer.time.sleep", slept.append)
    site.statuses = [503] * 9
    with pytest.raises(Unreachable):
        transfer(FILE, folder, [url], patience=Patience(pauses=(1.0, 2.0)))
    assert [pause for pause in slept if pause] == [1.0, 2.0]


def test_the_host_of_an_address():
    assert host("https://user:secret@example.org:80/x") == "example.org:80"
