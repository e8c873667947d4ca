"""The Race page without a browser: it opens, takes every setting and refuses in words."""

import pytest

from bkn.catalog import METHODS
from bkn.catalog.networks import OWN
from tests.app.reading import click, link, open_page, said, turned


def test_it_opens_with_the_recorded_race_and_nothing_wrong(page, supervisor):
    open_page(page)
    assert not page.error
    assert not page.warning
    assert page.button(key="start").label == "Start"
    assert [page.button(key=key).disabled for key in ("pause", "stop", "reset")] == [True] * 3


@pytest.mark.parametrize(
    ("key", "value"),
    [("dataset", key) for key in ("digits", "shapes")]
    + [("network", key) for key in (*OWN, "resnet18", "mobilenet_v3_small")]
    + [("probe", "off"), ("speed", 50)],
)
def test_every_choice_can_be_made_and_goes_into_the_link(page, supervisor, key, value):
    open_page(page).selectbox(key=key).select(value).run()
    assert not page.exception
    click(page, "start")
    race, speed = supervisor.sent[-1][1:]
    chosen = {"probe": race.probe, "speed": speed}.get(key, getattr(race.common, key, None))
    assert chosen == value
    if value not in ("digits", "convnet"):
        assert link(page, key) == str(value)


def test_how_a_race_is_looked_at_is_in_the_link_both_ways(page):
    open_page(page, layer="layer3", moment="mean", explain="off")
    assert turned(page.selectbox, "layer").value == "layer3"
    assert page.segmented_control(key="moment").value == "mean"
    assert page.toggle(key="explain").value is False
    turned(page.selectbox, "layer").select("layer2").run()
    page.toggle(key="explain").set_value(True).run()
    assert (link(page, "layer"), link(page, "moment")) == ("layer2", "mean")
    assert link(page, "explain") is None


def test_the_accuracy_figure_switches_to_the_held_out_style_where_there_is_one(page, supervisor):
    open_page(page, methods="domain,batch", dataset="shapes", shapes_styles="four")
    assert "accuracy" not in [control.key for control in page.segmented_control]
    click(page, "start")
    race_id = link(page, "run")
    supervisor.test(race_id, (0.5, 0.8, 0.3))
    page.run()
    page.segmented_control(key="accuracy").set_value("held_out").run()
    assert not page.exception
    assert link(page, "accuracy") == "held_out"


def test_a_layer_that_the_race_does_not_have_gives_way_to_the_deepest(page):
    open_page(page, layer="layer99")
    assert turned(page.selectbox, "layer").value == "layer6"
    assert link(page, "layer") is None


def test_a_link_names_no_entrant_that_the_new_race_does_not_have(page, supervisor):
    open_page(page, methods="batch", entrant="2")
    assert link(page, "entrant") is None  # the recorded race begins with its third
    turned(page.selectbox, "entrant").select("Kalman norm, gain adaptive").run()
    assert link(page, "entrant") == "3"
    click(page, "start")
    assert link(page, "entrant") is None


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_raced(page, supervisor, method):
    open_page(page, methods=method)
    click(page, "start")
    assert [e.method for e in supervisor.sent[-1][1].experiments] == [method]


@pytest.mark.parametrize(("key", "value"), [("lr", 0.2), ("epochs", 3), ("seed", 7)])
def test_every_number_can_be_set(page, supervisor, key, value):
    open_page(page).number_input(key=key).set_value(value).run()
    click(page, "start")
    assert getattr(supervisor.sent[-1][1].common, key) == value
    assert link(page, key) == str(value)


def test_both_batch_sizes_can_be_set_and_m_follows_b(page, supervisor):
    open_page(page, micro_batch="8")
    page.select_slider(key="batch").set_value(4).run()
    assert turned(page.select_slider, "micro_batch").value == 4
    page.select_slider(key="batch").set_value(128).run()
    turned(page.select_slider, "micro_batch").set_value(32).run()
    click(page, "start")
    common = supervisor.sent[-1][1].common
    assert (common.batch, common.micro_batch) == (128, 32)


def test_copies_can_be_set_and_give_m_more_room(page, supervisor):
    open_page(page, methods="batch")
    page.number_input(key="copies").set_value(4).run()
    page.selectbox(key="layout").select("copy_major").run()
    turned(page.select_slider, "micro_batch").set_value(256).run()
    assert "(64 × 4, 256): one device" in said(page)
    click(page, "start")
    common = supervisor.sent[-1][1].common
    assert (common.copies, common.layout, common.micro_batch) == (4, "copy_major", 256)
    assert (link(page, "copies"), link(page, "layout")) == ("4", "copy_major")
    shown = " ".join(html.proto.body for html in page.get("html"))
    assert "(64, 256), 4 copies far apart" in shown
    page.number_input(key="copies").set_value(1).run()
    assert turned(page.select_slider, "micro_batch").value == 64


def test_augmentation_can_be_set_is_shown_and_waits_for_start(page, supervisor):
    open_page(page)
    click(page, "start")
    supervisor.mark(link(page, "run"), "running")
    page.run()
    page.selectbox(key="augment").select("crop_flip").run()
    assert "apply at the next Start" in said(page)
    click(page, "start")
    assert supervisor.sent[-1][1].common.augment == link(page, "augment") == "crop_flip"
    shown = " ".join(html.proto.body for html in page.get("html"))
    assert "(64, 2), cropped and flipped · learning rate" in shown


def test_options_of_the_chosen_methods_are_offered_and_used(page, supervisor):
    open_page(page, methods="batch,kalman")
    page.select_slider(key="kalman_gain").set_value(0.5).run()
    page.selectbox(key="batch_running").select("first").run()
    page.number_input(key="convnet_depth").set_value(4).run()
    click(page, "start")
    batch, kalman = supervisor.sent[-1][1].experiments
    assert batch.options["running"] == "first"
    assert kalman.options["gain"] == 0.5
    assert kalman.network_options["depth"] == 4
    assert link(page, "kalman_gain") == "0.5"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ({"methods": "batchh"}, "unknown method 'batchh'; known: none, batch"),
        ({"batch": "64", "micro_batch": "3"}, "micro_batch must divide batch=64, got 3"),
        ({"lr": "fast"}, "lr must be a number in [1e-06, 1e+06], got 'fast'"),
        ({"dataset": "imagenet"}, "unknown dataset 'imagenet'; known: digits"),
        ({"run": "nonsense"}, "no race 'nonsense'"),
        ({"batch": "2048"}, "batch must be at most the 1350 training images"),
        ({"methods": "a,b,c,d,e,f,g,h,i"}, "unknown method 'a'"),
        ({"network": "mlp", "methods": "instance"}, "needs pictures with height and width"),
    ],
)
def test_a_wrong_link_is_said_in_words_and_the_page_stays_usable(page, supervisor, url, words):
    open_page(page, **url)
    assert words in said(page)
    page.multiselect(key="methods").set_value(["batch"])
    page.selectbox(key="network").select("convnet")
    page.select_slider(key="batch").set_value(32)
    turned(page.select_slider, "micro_batch").set_value(2).run()
    click(page, "start")
    assert supervisor.sent[-1][0] == "start"
    assert not page.error


def test_wrong_settings_disable_start(page, supervisor):
    open_page(page, methods="batchh")
    assert page.button(key="start").disabled
    assert page.button(key="step").disabled


def test_a_link_may_hide_controls_whose_values_stay(page, supervisor):
    open_page(page, hide="seed,probe", seed="7", probe="off")
    assert "seed" not in [widget.key for widget in page.number_input]
    page.number_input(key="lr").set_value(0.1).run()
    click(page, "start")
    race = supervisor.sent[-1][1]
    assert (race.common.seed, race.probe) == (7, "off")
    assert link(page, "hide") == "seed,probe"


def test_a_link_to_a_race_alone_brings_its_settings(page, supervisor):
    from bkn.experiment import Race

    race_id = supervisor.start(Race.of(["layer"], batch=32, micro_batch=4, epochs=2))
    open_page(page, run=race_id)
    assert page.multiselect(key="methods").value == ["layer"]
    assert page.select_slider(key="batch").value == 32
