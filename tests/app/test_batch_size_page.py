"""The Batch size page without a browser: settings, links, what is said before the start."""

from dataclasses import replace

import pytest

from app import lab as lab_module
from app.batch_size import link, scene
from bkn.store.sweeps import sweeps
from bkn.sweep import Sweep
from tests.app.reading import click, figure, html, said
from tests.app.reading import link as address
from tests.app.sweep_tables import SMALL, SWEEP
from tests.sweeps import write_sweep


def test_it_opens_with_the_recorded_sweep_and_nothing_wrong(batch_page):
    page = batch_page()
    assert not page.error
    assert not page.warning
    assert "recorded sweep · " in html(page)
    assert not page.button(key="start").disabled
    assert [page.button(key=key).disabled for key in ("stop", "resume")] == [True, True]
    for key in ("fig_curve", "fig_grid", "fig_steps", "fig_lr"):
        assert figure(page, key)["title"]
    assert "bkn-pairs" in html(page)


def test_before_start_it_says_how_many_runs_and_times_a_few_steps(batch_page, conductor):
    page = batch_page()
    assert "63 runs: timing a few steps to tell how long that takes" in html(page)
    assert [sent[0] for sent in conductor.sent] == ["time"]
    page.run()
    assert [sent[0] for sent in conductor.sent] == ["time"]  # once is enough
    conductor.timing = 0
    page.run()
    assert "how long that takes is not known yet" in html(page)


def test_what_is_done_already_is_counted_and_the_rest_estimated(batch_page, conductor):
    conductor.train(SWEEP, lambda job: None if job.experiment.seed else 0.9)
    page = batch_page(**SMALL)
    assert "8 runs, 4 of them done already: about 1 s left on this machine, 1 at a time." in html(
        page
    )
    conductor.train(SWEEP, lambda job: 0.9 if job.experiment.seed else None)
    page.run()
    assert "8 runs, all done already" in html(page)


def test_start_hands_the_settings_to_the_conductor_and_the_link_leads_back(batch_page, conductor):
    page = batch_page(**SMALL)
    click(page, "start")
    assert conductor.sent[-1] == ("start", conductor.sent[-1][1])
    started = conductor.sent[-1][1]
    assert started.methods == ("batch", "kalman")
    assert started.micro_batches == (2, 64)
    assert started.seeds == (0, 1)
    assert started.jobs[0].experiment.epochs == 1
    assert address(page, "sweep") == sweeps(conductor.reader)[0].id
    assert "running · 0 of 8 runs" in html(page)
    assert "8 runs:" not in html(page)  # the status says how long; Start has nothing to say
    page.number_input(key="seeds").set_value(3).run()
    assert "12 runs:" in html(page)  # of another sweep it has
    page.number_input(key="seeds").set_value(2).run()
    assert page.button(key="start").disabled  # the same once more would be nothing new
    click(page, "stop")
    assert "stopped · 0 of 8 runs" in html(page)
    click(page, "resume")
    assert conductor.sent[-1] == ("resume", address(page, "sweep"), False)
    assert "running · 0 of 8 runs" in html(page)


@pytest.mark.parametrize(
    ("kind", "key", "value", "in_link"),
    [
        ("selectbox", "dataset", "shapes", "shapes"),
        ("selectbox", "network", "mlp", "mlp"),
        ("multiselect", "methods", ["layer", "group"], ["layer", "group"]),
        ("multiselect", "batches", [32, 64], "32,64"),
        ("text_input", "lrs", "0.1, 0.2", "0.1, 0.2"),
        ("number_input", "seeds", 2, "2"),
        ("number_input", "epochs", 1, "1"),
        ("number_input", "first_seed", 7, "7"),
    ],
)
def test_every_setting_reaches_the_sweep_and_the_link(
    batch_page, conductor, kind, key, value, in_link
):
    page = batch_page(seeds="1", micro_batches="2,32")
    getattr(page, kind)(key=key).set_value(value).run()
    assert not page.exception
    assert address(page, key) == in_link
    click(page, "start")
    sweep = conductor.sent[-1][1]
    experiment = sweep.jobs[0].experiment
    reached = {
        "methods": list(sweep.methods), "batches": list(sweep.batches),
        "lrs": link.typed(sweep.lrs), "seeds": len(sweep.seeds), "first_seed": sweep.seeds[0],
        "dataset": experiment.dataset, "network": experiment.network, "epochs": experiment.epochs,
    }  # fmt: skip
    assert reached[key] == value


def test_micro_batches_are_chosen_as_pills(batch_page, conductor):
    page = batch_page()
    pills = next(one for one in page.button_group if one.key == "micro_batches")
    pills.set_value([4, 2]).run()
    assert address(page, "micro_batches") == "4,2"
    click(page, "start")
    assert conductor.sent[-1][1].micro_batches == (2, 4)


def test_a_link_brings_every_setting_and_every_look():
    values = {
        "methods": ["batch", "kalman:gain=0.5"], "micro_batches": [2, 64], "batches": [32, 64],
        "lrs": "0.01, 0.05", "seeds": 5, "first_seed": 3, "epochs": 1, "dataset": "shapes",
        "network": "mlp", "augment": "crop", "at_lr": "0.01", "at_batch": "32", "at_m": "64",
        "baseline": "kalman:gain=0.5", "reach": 92.5, "explain": "off",
    }  # fmt: skip
    found, wrong = link.read(link.write(values))
    assert not wrong
    assert found == values


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ({"methods": "batchh"}, "unknown method 'batchh'; known: none, batch"),
        ({"micro_batches": "3"}, "no combination of this sweep fits: micro_batch must divide"),
        ({"micro_batches": "two"}, "micro_batch must be a whole number in [1, 4096], got 'two'"),
        ({"micro_batches": ""}, "micro_batches must be a list of at least one value"),
        ({"lrs": "0.1,fast"}, "lr must be a number in [1e-06, 1e+06], got 'fast'"),
        ({"seeds": "0"}, "seeds must be a whole number in [1, 100], got '0'"),
        ({"dataset": "imagenet"}, "unknown dataset 'imagenet'; known: digits"),
        ({"reach": "120"}, "reach must be a number in [1, 100], got '120'"),
        ({"speed": "5"}, "the link sets 'speed', which is no setting here"),
        ({"sweep": "nonsense"}, "This lab knows no sweep 'nonsense'"),
        ({"batches": "2048", "micro_batches": "2"}, "batch must be at most the 1350"),
        ({"seeds": "100", "lrs": "1,2,3,4,5"}, "at most 3,000 runs"),
    ],
)
def test_a_wrong_link_is_said_in_words_and_the_page_stays_usable(batch_page, conductor, url, words):
    page = batch_page(**url)
    assert words in said(page)
    page.multiselect(key="methods").set_value(["batch"])
    page.multiselect(key="batches").set_value([64])
    page.text_input(key="lrs").set_value("0.05")
    page.number_input(key="seeds").set_value(1)
    next(one for one in page.button_group if one.key == "micro_batches").set_value([2]).run()
    click(page, "start")
    assert conductor.sent[-1][0] == "start"
    assert not page.error


def test_what_is_typed_wrong_is_refused_and_start_is_out_of_reach(batch_page):
    page = batch_page()
    page.text_input(key="lrs").set_value("0.1, quick").run()
    assert "lr must be a number in [1e-06, 1e+06], got 'quick'" in said(page)
    assert page.button(key="start").disabled


def test_what_does_not_fit_is_named_before_start(batch_page):
    page = batch_page(micro_batches="2,3")
    assert "9 runs" in html(page)
    assert "Left out: Batch norm at m = 3, Group norm at m = 3 and Kalman norm at m = 3" in html(
        page
    )
    assert "micro_batch must divide batch=64, got 3" in html(page)


def test_a_link_may_hide_controls_whose_values_stay(batch_page, conductor):
    page = batch_page(hide="seeds,epochs", seeds="2", epochs="1")
    assert not {"seeds", "epochs"} & {widget.key for widget in page.number_input}
    click(page, "start")
    assert len(conductor.sent[-1][1].seeds) == 2
    assert address(page, "hide") == "seeds,epochs"


def test_a_link_to_a_sweep_alone_brings_its_settings(batch_page, conductor):
    sweep_id = conductor.start(SWEEP)
    page = batch_page(sweep=sweep_id)
    assert page.multiselect(key="methods").value == ["batch", "kalman"]
    assert page.number_input(key="seeds").value == 2
    assert page.number_input(key="epochs").value == 1
    assert "running · 0 of 8 runs" in html(page)


def test_without_a_link_the_latest_sweep_is_shown(batch_page, home):
    write_sweep(home, SWEEP, lambda job: 0.9)
    page = batch_page()
    assert "finished · 8 of 8 runs" in html(page)
    assert address(page, "sweep") is None
    page.selectbox(key="shown_sweep").select("").run()
    assert not page.exception
    assert "recorded sweep" in html(page)


def test_an_earlier_sweep_can_be_chosen(batch_page, home, conductor):
    write_sweep(home, SWEEP, lambda job: 0.9, "first")
    later = Sweep(methods=("layer",), micro_batches=(2,), seeds=(0,), common={"epochs": 1})
    write_sweep(home, later, lambda job: 0.9, "second")
    page = batch_page()
    assert "finished · 1 of 1 run" in html(page)
    page.selectbox(key="shown_sweep").select("first").run()
    assert "finished · 8 of 8 runs" in html(page)
    assert address(page, "sweep") == "first"


def test_the_words_for_a_sweep_never_change_and_are_its_own(batch_page, conductor):
    """The browser sends them back: those of a moment ago would pass for a choice."""
    ids = [conductor.start(SWEEP), conductor.start(replace(SWEEP, seeds=(7, 8)))]
    before = scene.known_sweeps(lab_module.lab())
    conductor.train(SWEEP, lambda job: 0.9)
    conductor.mark(ids[0], "finished")
    assert scene.known_sweeps(lab_module.lab()) == before
    assert len(set(before.values())) == len(before) == 3


def test_settings_of_the_race_and_of_the_sweep_do_not_mix(page, conductor, open_page):
    open_page("race", methods="layer", epochs="2")
    page.query_params.clear()
    page = open_page("batch_size")
    assert page.multiselect(key="methods").value == ["batch", "group", "kalman"]
    assert page.number_input(key="epochs").value == 4
    page.number_input(key="epochs").set_value(1).run()
    for other in ("methods", "race"):
        page.query_params.clear()
        page = open_page(other)
    assert page.number_input(key="epochs").value == 2
    assert page.multiselect(key="methods").value == ["layer"]
    page.query_params.clear()
    page = open_page("batch_size")
    assert page.number_input(key="epochs").value == 1


def test_images_that_are_not_here_are_offered_before_anything_is_timed_or_started(
    batch_page, conductor, monkeypatch, tmp_path
):
    monkeypatch.setenv("BKN_DATA_DIR", str(tmp_path / "data"))
    page = batch_page(**SMALL, dataset="cifar10")
    assert "CIFAR-10 is not on this machine yet: 170 MB from" in html(page)
    assert not page.button(key="download").disabled
    assert page.button(key="start").disabled
    assert conductor.sent == []
    common = {"epochs": 1, "augment": "none"}
    done = Sweep(("batch", "kalman"), (2, 64), seeds=(0, 1), datasets=("cifar10",), common=common)
    conductor.train(done, lambda job: 0.5)
    page.run()
    assert not page.button(key="start").disabled  # it shows what is done already
