"""The Kalman page on a race that still trains: it looks for news and shows the latest snapshot."""

import pytest

from app import watch
from app.kalman.picking import LATEST
from bkn.store.writer import Writer
from tests.app import network_maps, snapshots
from tests.app.reading import turned
from tests.app.test_kalman_recorded import html

NETWORK = network_maps.convnet((4, 4, 6), size=4)
LIVE = {"source": "recorded", "race": "live"}


@pytest.fixture
def looks(monkeypatch):
    """Every look at the race is taken at once; they stand here with their seconds.

    What is put into `news` happens before the next look.
    """
    taken, news = [], []

    def refreshing(body, tick):
        taken.append(tick)
        if len(taken) > 5:
            raise AssertionError("the page draws itself again and again")
        if news:
            news.pop()()
        watch.st.session_state[watch.DRAWING] = False
        body()

    monkeypatch.setattr(watch, "refreshing", refreshing)
    return taken, news


@pytest.fixture
def live(supervisor, tmp_path):
    """A race in training; returns what takes another snapshot, and what ends it."""
    path = snapshots.write_race(
        tmp_path, NETWORK, race_id="live", status="running", probe="full", epochs=10
    )
    race = supervisor.reader.race("live").race

    def probed():
        with Writer(path) as writer, writer.transaction():
            snapshots.add_snapshots(writer, "live", race, NETWORK, (150,))

    return probed, lambda: supervisor.mark("live", "finished", 210)


def test_a_new_snapshot_is_shown(open_page, live, looks):
    taken, news = looks
    news.append(live[0])
    page = open_page("kalman", **LIVE)
    assert "after step 150 of" in html(page)
    assert taken == [1.0, 1.0]


def test_a_look_without_news_draws_nothing(open_page, live, looks):
    page = open_page("kalman", **LIVE)
    assert "after step 120 of" in html(page)
    assert looks[0] == [1.0]


def test_who_looks_back_is_left_there(open_page, live, looks):
    looks[1].append(live[0])
    page = open_page("kalman", **LIVE, at="60")
    assert "after step 60 of" in html(page)
    assert turned(page.select_slider, "recorded_at").options[-2:] == ["120", LATEST]


def test_it_looks_no_more_when_the_race_is_over(open_page, live, looks):
    looks[1].append(live[1])
    open_page("kalman", **LIVE)
    assert looks[0] == [1.0]


@pytest.mark.parametrize(
    ("entrants", "steps", "words"),
    [(("kalman",), (), "first snapshot follows"), (("group",), (0, 30), "nothing to filter")],
)
def test_a_race_that_has_nothing_to_show_yet_is_waited_for(
    open_page, supervisor, tmp_path, looks, entrants, steps, words
):
    common = {"probe": "full", "epochs": 10}
    snapshots.write_race(tmp_path, NETWORK, entrants, steps, "live", "running", **common)
    page = open_page("kalman", **LIVE)
    assert words in " ".join(one.value for one in page.info)
    assert looks[0] == [1.0]


def test_nothing_is_looked_for_where_nothing_moves(open_page, supervisor, looks):
    open_page("kalman", source="recorded")
    open_page("kalman", source="free")
    assert not looks[0]
