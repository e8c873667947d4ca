"""The Batch size page while a sweep runs and after it: what fills in, is said, can be done."""

from app import lab as lab_module
from app.batch_size import scene
from app.batch_size.table import Place
from bkn.store.sweeps import begin_job
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.app.reading import click, figure, html, said
from tests.app.reading import link as address
from tests.app.sweep_tables import SMALL, SWEEP, lively
from tests.sweeps import OWNER, write_sweep


def test_cells_fill_while_the_sweep_runs(batch_page, conductor):
    page = batch_page(**SMALL)
    click(page, "start")
    sweep = conductor.sent[-1][1]
    assert {cell["kind"] for cell in figure(page, "fig_grid")["cells"]} == {"waiting"}
    assert figure(page, "fig_curve")["empty"]
    conductor.train(sweep, lambda job: 0.9 if job.experiment.micro_batch == 2 else None)
    page.run()
    assert "running · 4 of 8 runs" in html(page)
    assert "about 1 s left" in html(page)
    filled = figure(page, "fig_grid")
    assert [bool(text) for text in filled["data"][0]["text"][0]] == [True, False]
    assert not figure(page, "fig_curve")["empty"]
    conductor.train(sweep, lambda job: 0.9 if job.experiment.micro_batch == 64 else None)
    conductor.mark(address(page, "sweep"), "finished")
    page.run()
    assert "finished · 8 of 8 runs" in html(page)
    assert not figure(page, "fig_grid")["cells"]


def test_a_run_under_way_pulses(batch_page, conductor):
    page = batch_page(**SMALL)
    click(page, "start")
    with Writer(conductor.path) as writer, writer.transaction():
        run = begin_job(writer, conductor.sent[-1][1].jobs[0], OWNER)
        writer.set_status(run, "running", 3)
    page.run()
    kinds = [cell["kind"] for cell in figure(page, "fig_grid")["cells"]]
    assert sorted(kinds) == ["running", "waiting", "waiting", "waiting"]


def test_with_one_seed_methods_are_not_put_in_order(batch_page, home):
    one = Sweep(methods=("batch", "kalman"), micro_batches=(2, 64), seeds=(0,),
                common={"epochs": 1})  # fmt: skip
    write_sweep(home, one, lively)
    page = batch_page()
    words = html(page)
    assert "Methods are not put in order" in words
    assert "</table>" not in words
    for word in ("better", "worse", "above", "below itself", "best"):
        assert f" {word} " not in words.split("</style>")[0]
    line = next(t for t in figure(page, "fig_curve")["data"] if t["mode"] == "lines+markers")
    assert set(line["error_y"]["array"]) == {0.0}


def test_where_each_method_breaks_is_said(batch_page, home):
    many = Sweep(micro_batches=(2, 8, 64), seeds=tuple(range(8)), common={"epochs": 1})
    write_sweep(home, many, lively)
    words = html(batch_page())
    assert "loses accuracy at m = 2: there it is 6." in words
    assert "below itself at m = 64" in words
    assert "no fall beyond chance is seen of" in words
    assert "better" in words  # in the table


def test_the_baseline_and_the_accuracy_to_reach_can_be_chosen(batch_page, home):
    write_sweep(home, SWEEP, lively)
    page = batch_page()
    page.selectbox(key="baseline").select("kalman").run()
    assert address(page, "baseline") == "kalman"
    assert "minus that of Kalman norm" in html(page)
    page.number_input(key="reach").set_value(95.0).run()
    assert address(page, "reach") == "95"
    assert figure(page, "fig_steps")["title"] == "How soon is 95 % reached?"


def test_axes_with_several_values_can_be_picked_and_others_are_not_offered(batch_page, home):
    several = Sweep(methods=("batch",), micro_batches=(2, 8), lrs=(0.01, 0.05, 0.2),
                    batches=(32, 64), seeds=(0, 1), common={"epochs": 1})  # fmt: skip
    write_sweep(home, several, lively)
    page = batch_page()
    keys = {one.key for one in page.selectbox}
    assert {"at_lr", "at_batch", "at_m"} <= keys
    assert not {"at_dataset", "at_network"} & keys
    assert page.selectbox(key="at_lr").value == "0.05"
    assert page.selectbox(key="at_batch").value == "32"
    page.selectbox(key="at_m").select("8").run()
    assert "at m = 8?" in figure(page, "fig_lr")["title"]
    page.selectbox(key="at_lr").select("0.2").run()
    assert (address(page, "at_lr"), address(page, "at_m")) == ("0.2", "8")


def test_an_interrupted_sweep_says_so_and_goes_on(batch_page, conductor):
    sweep_id = conductor.start(SWEEP)
    conductor.mark(sweep_id, "running", alive=False)
    page = batch_page(sweep=sweep_id)
    assert "The sweep was interrupted after 0 of 8 runs" in said(page)
    assert page.button(key="stop").disabled
    click(page, "resume")
    assert ("resume", sweep_id, False) in conductor.sent


def test_what_failed_can_be_tried_again(batch_page, conductor):
    sweep_id = conductor.start(SWEEP)
    conductor.train(SWEEP, lambda job: 0.9)
    with Writer(conductor.path) as writer, writer.transaction():
        run = writer.run_ids(SWEEP.jobs[0].id)[0]
        writer.set_status(run, "failed", 3, "no memory left.")
    conductor.mark(sweep_id, "finished")
    page = batch_page(sweep=sweep_id)
    assert page.button(key="resume").label == "Try again what failed"
    hovers = " ".join(t for row in figure(page, "fig_grid")["data"][0]["customdata"] for t in row)
    assert "failed: no memory left" in hovers
    click(page, "resume")
    assert conductor.sent[-1] == ("resume", sweep_id, True)


def test_only_who_started_a_sweep_may_stop_it(batch_page, conductor, monkeypatch):
    sweep_id = conductor.start(SWEEP)
    lab_module.lab().sweeps.watch(sweep_id).owner = "somebody"
    monkeypatch.setattr(scene, "visitor", lambda: "somebody else")
    page = batch_page(sweep=sweep_id)
    assert page.button(key="stop").disabled
    assert "Another visitor runs this sweep" in said(page)
    monkeypatch.setattr(scene, "visitor", lambda: "somebody")
    assert not page.run().button(key="stop").disabled


def test_a_refusal_is_said_and_gone_with_the_next_click(batch_page, conductor):
    page = batch_page(**SMALL)
    conductor.refusal = "the store is locked"
    click(page, "start")
    assert "the store is locked" in said(page)
    conductor.refusal = ""
    click(page, "start")
    assert "the store is locked" not in said(page)


def test_a_run_of_a_sweep_on_the_race_page_takes_no_commands(conductor, open_page):
    conductor.start(SWEEP)
    with Writer(conductor.path) as writer, writer.transaction():
        run = begin_job(writer, SWEEP.jobs[0], OWNER)
        writer.set_status(run, "running", 3)
    page = open_page("race", run=SWEEP.jobs[0].id)
    assert [page.button(key=key).disabled for key in ("pause", "stop")] == [True, True]
    assert page.button(key="start").label == "Start"
    assert "A sweep runs this race" in said(page)
    click(page, "start")
    assert not page.error


def test_a_page_looks_again_while_something_moves(conductor):
    """A run that is told to stop stands as running for a moment longer than its sweep."""
    sweep_id = conductor.start(SWEEP)
    watched = lab_module.lab().sweeps.watch(sweep_id)
    place = Place("digits", "convnet", 64, 2, 0.05)

    def tick():
        return scene.View(watched, watched.look(), sweep_id, True, place, "batch", 0.9).tick

    assert tick() == scene.TICK
    with Writer(conductor.path) as writer, writer.transaction():
        run = begin_job(writer, SWEEP.jobs[0], OWNER)
        writer.set_status(run, "running", 3)
    conductor.stop(sweep_id)
    assert tick() == scene.TICK
    with Writer(conductor.path) as writer, writer.transaction():
        writer.set_status(run, "stopped", 3)
    assert tick() is None
