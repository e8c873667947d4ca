"""What the app orders of a widget holds, though the browser never hears of it."""

import pytest
from streamlit.testing.v1 import AppTest

from app import board
from tests.app.layers_page import STEPS
from tests.app.layers_page import open_page as open_layers
from tests.app.network_maps import convnet
from tests.app.reading import click, echo, html, open_page, shown, turned
from tests.app.snapshots import write_race
from tests.app.sweep_tables import SMALL


def chooser():
    """A page whose fruit a hand may choose, and a button; the first fig breaks its run off."""
    import streamlit as st

    from app import widgets

    kept = st.session_state.setdefault("kept", {"fruit": "apple"})
    st.button("Pear", key="pear", on_click=lambda: kept.update(fruit="pear"))
    heard = widgets.follow("fruit", kept["fruit"])
    if heard == "fig" and "broken" not in st.session_state:
        st.session_state["broken"] = True
        st.rerun()
    kept["fruit"] = heard
    widgets.widget(st.selectbox, "fruit", "Fruit", ["apple", "pear", "fig"])
    widgets.settle("drink", ["tea"] if kept["fruit"] == "pear" else ["tea", "milk"])
    widgets.widget(st.selectbox, "drink", "Drink", ["tea", "milk"], index=0)
    st.html(f"{kept['fruit']} {widgets.value('drink')}")


@pytest.fixture
def fruit():
    return AppTest.from_function(chooser).run()


def test_a_hand_moves_what_is_followed(fruit):
    turned(fruit.selectbox, "fruit").set_value("fig").run()
    assert "fig" in html(fruit)
    fruit.run()
    assert "fig" in html(fruit)


def test_a_hand_is_heard_until_its_move_is_kept(fruit):
    turned(fruit.selectbox, "fruit").set_value("fig").run()
    assert "broken" in fruit.session_state
    assert "fig" in html(fruit)


def test_a_widget_is_the_same_until_something_is_ordered(fruit):
    before = shown(fruit)
    fruit.run()
    turned(fruit.selectbox, "fruit").set_value("pear").run()
    assert shown(fruit).keys() == before.keys()
    assert not any(one.proto.set_value for one in fruit.selectbox)
    turned(fruit.selectbox, "fruit").set_value("apple").run()
    click(fruit, "pear")
    assert shown(fruit).keys() != before.keys()


def test_an_order_that_the_browser_has_missed_holds(fruit):
    before = shown(fruit)
    click(fruit, "pear")
    echo(fruit, before)
    assert "pear" in html(fruit)
    proto = turned(fruit.selectbox, "fruit").proto
    assert proto.options[proto.default] == "pear"  # for a browser that sees it only now
    turned(fruit.selectbox, "fruit").set_value("apple").run()
    assert "apple" in html(fruit)


def test_a_choice_that_is_gone_does_not_come_back(fruit):
    turned(fruit.selectbox, "drink").set_value("milk").run()
    before = shown(fruit)
    click(fruit, "pear")
    echo(fruit, before)
    assert "pear tea" in html(fruit)


def test_of_another_race_no_method_of_the_last_is_chosen(home):
    write_race(home, convnet(), ("kalman", "batch"), steps=(0, 30))
    page = open_layers(home)
    turned(page.selectbox, "entrant").set_value(1).run()
    before = shown(page)
    page.selectbox(key="shown_race").set_value("recorded").run()
    chooser = turned(page.selectbox, "entrant")
    assert chooser.proto.id not in before
    assert chooser.value == 2  # position of the first that has a prior
    assert chooser.options[0] == "Kalman norm"


def test_a_sweep_that_has_started_stays(batch_page, conductor):
    page = batch_page(**SMALL)
    before = shown(page)
    click(page, "start")
    echo(page, before)
    assert "running · 0 of" in html(page)
    assert page.query_params["sweep"]


def test_a_layer_that_was_clicked_stays(page, monkeypatch):
    open_page(page)
    before, clicks, look = shown(page), ["layer2"], board.picked_layer

    def clicked(picture):
        if clicks:
            board.pick_layer(clicks.pop())
        return look(picture)

    monkeypatch.setattr(board, "picked_layer", clicked)
    page.run()
    assert turned(page.selectbox, "layer").value == "layer2"
    echo(page, before)
    assert turned(page.selectbox, "layer").value == "layer2"


def test_another_channel_stays(home):
    write_race(home, convnet(), steps=STEPS, epochs=10)
    page = open_layers(home)
    first, before = turned(page.selectbox, "channel").value, shown(page)
    page.button(key="next").click().run()
    second = turned(page.selectbox, "channel").value
    assert second != first
    echo(page, before)
    assert turned(page.selectbox, "channel").value == second
