"""python -m bkn: what each command prints, records and refuses."""

import os
import subprocess
import sys

import pytest

from bkn.__main__ import main
from bkn.cli.follow import results
from bkn.cli.record import put
from bkn.results import results as results_of
from bkn.store.home import ROOT, store_path
from bkn.store.reader import Reader
from bkn.store.records import RunRow
from bkn.store.sweeps import sweeps
from bkn.sweep import Sweep
from tests.sweeps import write_sweep

SMALL = ["--epochs", "1", "--network-option", "width=4", "--network-option", "depth=2"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BKN_HOME", str(tmp_path))
    return tmp_path


def test_train_prints_and_records_every_entrant(home, capsys):
    assert main(["train", "batch", "kalman:gain=0.5", *SMALL]) == 0
    printed = capsys.readouterr()
    assert "Batch norm" in printed.out
    assert "Kalman norm, gain 0.5  test accuracy" in printed.out
    assert "21/21" in printed.err
    (race,) = Reader(store_path(home)).races()
    assert race.status == "finished"
    assert race.id in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["magic"], "unknown method 'magic'"),
        (["--batch", "64", "--micro-batch", "3"], "micro_batch must divide batch=64, got 3"),
        (["--copies", "3", "--micro-batch", "5"], "divide batch x copies = 64 x 3, got 5"),
        (["--layout", "mixed"], "layout must be sample_major or copy_major"),
        (["--augment", "cut"], "augment must be one of none, crop, crop_flip, got 'cut'"),
        (["--lr", "fast"], "lr must be a number"),
        (["--device", "cuda:77"], "is not on this machine"),
        (["--network-option", "width"], "must read NAME=VALUE, got 'width'"),
        (["--network-option", "size=3"], "convnet has no option 'size'"),
        (["--network-option", "depth=1"], "depth must be a whole number in [2, 12], got '1'"),
        (["--probe", "deep"], "probe must be one of off, light, full"),
    ],
)
def test_wrong_settings_end_in_one_sentence(home, capsys, arguments, message):
    assert main(["train", *arguments, "--epochs", "1"]) != 0
    printed = capsys.readouterr()
    assert message in printed.err + printed.out
    assert "Traceback" not in printed.err


def test_a_device_that_is_not_here_is_refused_before_anything_is_recorded(home, capsys):
    for command in ("train", "record"):
        assert main([command, "batch", *SMALL, "--device", "cuda:77"]) == 2
        assert "device 'cuda:77' is not on this machine; here: auto" in capsys.readouterr().err
    assert not store_path(home).exists()


def test_who_stops_reading_gets_no_traceback(tmp_path):
    code = "import sys; from bkn.__main__ import main; sys.stdin.read(); sys.exit(main(['data']))"
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=writing,
        stderr=subprocess.PIPE, env={**os.environ, "BKN_HOME": str(tmp_path)},
    ) as process:  # fmt: skip
        os.close(writing)
        os.close(reading)  # before it may begin
        _, complaints = process.communicate()
    assert (process.returncode, complaints) == (1, b"")


def test_copies_and_augmentation_can_be_asked_for_on_the_command_line(home, capsys):
    assert main(["train", "batch", *SMALL, "--copies", "2", "--layout", "copy_major"]) == 0
    assert main(["train", "batch", *SMALL, "--augment", "crop"]) == 0
    crop, copies = (one.race.common for one in Reader(store_path(home)).races())
    assert (copies.copies, copies.layout, copies.augment) == (2, "copy_major", "none")
    assert (crop.copies, crop.augment) == (1, "crop")


def test_the_result_names_the_held_out_accuracy_where_there_is_one():
    figures = {"test_accuracy": 0.812, "test_loss": 0.5, "step_ms": 3.0}
    runs = [
        RunRow(i, i, "{}", label, "finished", 9, "", summary)
        for i, (label, summary) in enumerate(
            [("One", figures), ("Another", {**figures, "held_out_accuracy": 0.4})]
        )
    ]
    plain, held_out = results(runs).splitlines()
    assert plain == "One      test accuracy 81.2 %  loss 0.500 nats  3.0 ms/step"
    assert held_out == (
        "Another  test accuracy 81.2 %  held-out 40.0 %  loss 0.500 nats  3.0 ms/step"
    )


def test_record_makes_a_small_store_of_one_race(home, tmp_path):
    target = tmp_path / "recorded" / "race.db"
    assert main(["record", "batch", *SMALL, "--speed", "1000", "--out", str(target)]) == 0
    reader = Reader(target, immutable=True)
    (race,) = reader.races()
    (run,) = reader.runs(race.id)
    assert run.status == "finished"
    assert len(reader.rows(run.id, "train")) > 0
    assert len(reader.rows(run.id, "probe")) > 0
    assert not Reader(store_path(home)).races()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", ""], "a file has to be named"),
        (["--out", "/dev/null/race.db"], "/dev/null/race.db cannot be written: "),
        (["--out", "/"], "/ cannot be written: it is a folder"),
        (["--snapshots", "-5"], "snapshots must be a whole number of at least 2, got -5"),
        (["--channels", "0"], "channels must be a whole number of at least 2, got 0"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_the_training(
    home, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.setattr("bkn.cli.record.run_race", lambda *_: pytest.fail("it was trained"))
    target = ["--out", str(tmp_path / "race.db")]
    assert main(["record", "batch", *SMALL, *target, *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("race.db*"))


def test_what_could_not_be_recorded_leaves_nothing_behind(tmp_path):
    target = tmp_path / "race.db"
    target.write_text("before")

    def full(fresh):
        fresh.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(ValueError, match=r"race\.db cannot be written: No space left on device"):
        put(target, full)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("race.db", "before")]


def test_record_ships_a_finished_sweep_with_what_its_runs_reached(home, tmp_path, capsys):
    sweep = Sweep(methods=("batch",), micro_batches=(2,), seeds=(0, 1), common={"epochs": 1})
    write_sweep(home, sweep, lambda job: 0.8 + job.experiment.seed / 10)
    write_sweep(home, Sweep(methods=("group",)), lambda job: None, "other", "stopped")
    target = tmp_path / "recorded" / "sweep.db"
    assert main(["record", "--sweep", "sweep", "--out", str(target)]) == 0
    reader = Reader(target, immutable=True)
    (row,) = sweeps(reader)
    assert (row.sweep, row.status) == (sweep, "finished")
    found = results_of(reader, sweep.jobs, curves=True)
    assert [one.accuracy for one in found] == [0.8, 0.9]
    assert found[1].steps_to(0.5) == 16
    reader.close()
    for sweep_id, words in (("other", "is not finished"), ("nobody", "there is no sweep 'nobody'")):
        assert main(["record", "--sweep", sweep_id, "--out", str(target)]) == 2
        assert words in capsys.readouterr().err


def test_doctor_finds_this_machine_fit(home, capsys, monkeypatch):
    monkeypatch.setattr("bkn.cli.doctor.SELF_TEST", 0.0)
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for word in (
        "torch",
        "scipy",
        "streamlit",
        "device",
        "store",
        "disk",
        "Kalman norm: ",
        "all well",
    ):
        assert word in printed


def test_doctor_says_when_the_store_is_damaged(home, capsys, monkeypatch):
    monkeypatch.setattr("bkn.cli.doctor.SELF_TEST", 0.0)
    store_path(home).write_bytes(b"this is no database, but long enough to look like one" * 100)
    assert main(["doctor"]) == 1
    assert "something is wrong" in capsys.readouterr().out
