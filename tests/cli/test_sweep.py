"""python -m bkn sweep: what it trains, prints, continues and refuses; by toys in processes."""

import csv
import os
import signal
import subprocess
import sys

import pytest

from bkn.__main__ import main
from bkn.cli import executors
from bkn.cli.conduct import Bar
from bkn.cli.sweep import seeds_of
from bkn.cli.sweep_table import table
from bkn.engine import job_process
from bkn.results import Result
from bkn.store.home import ROOT, store_path
from bkn.store.reader import Reader
from bkn.store.sweeps import job_rows, set_sweep, sweeps
from bkn.store.writer import Writer
from bkn.sweep import Sweep
from tests.engine import toy_job_worker as toy
from tests.engine.toy import lives
from tests.patience import PATIENCE, until

GRID = ["batch", "kalman", "--micro-batches", "2", "64", "--lrs", "1", "--jobs", "2"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BKN_HOME", str(tmp_path))
    monkeypatch.setattr(job_process, "COMMAND", toy.COMMAND)
    return tmp_path


@pytest.fixture
def reader(home):
    made = Reader(store_path(home))
    yield made
    made.close()


def trained(reader):
    return {job.id: row for job, row in _rows(reader)}


def _rows(reader):
    (found,) = sweeps(reader)
    rows = job_rows(reader, [job.id for job in found.sweep.jobs])
    return [(job, rows[job.id]) for job in found.sweep.jobs if job.id in rows]


def test_a_sweep_is_trained_and_its_table_printed(home, reader, capsys, tmp_path):
    out = tmp_path / "results.csv"
    assert main(["sweep", *GRID, "--seeds", "2", "--epochs", "2", "--out", str(out)]) == 0
    printed = capsys.readouterr()
    (found,) = sweeps(reader)
    assert (found.status, found.sweep.common["epochs"]) == ("finished", 2)
    jobs = found.sweep.jobs
    assert len(jobs) == 8
    at_two = [job for job in jobs if job.experiment.micro_batch == 2]
    means = {
        method: sum(toy.accuracy_of(j) for j in at_two if j.experiment.method == method) / 2
        for method in ("batch", "kalman")
    }
    lines = [line for line in printed.out.splitlines() if "| 2  " in line]
    for method, mean in means.items():
        (line,) = [line for line in lines if f"| {method} " in line]
        assert f"| {100 * mean:.2f} " in line
        assert "| 2 |" in line  # seeds
    (kalman,) = [line for line in lines if "| kalman " in line]
    assert f"{100 * (means['kalman'] - means['batch']):+.2f}" in kalman
    assert "8/8 done" in printed.err
    assert f"?sweep={found.id}" in printed.err
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == 8
    expected = {(j.experiment.method, str(j.experiment.micro_batch), str(j.experiment.seed)):
                str(toy.accuracy_of(j)) for j in jobs}  # fmt: skip
    assert {(r["method"], r["micro_batch"], r["seed"]): r["accuracy"] for r in rows} == expected


def test_the_same_command_again_trains_nothing(home, reader, capsys, monkeypatch):
    assert main(["sweep", *GRID, "--seeds", "1"]) == 0
    first = capsys.readouterr()
    pids = {row.summary["pid"] for row in trained(reader).values()}
    monkeypatch.setattr(job_process, "COMMAND", ["/bin/false"])
    assert main(["sweep", *GRID, "--seeds", "1"]) == 0
    second = capsys.readouterr()
    assert second.out == first.out
    assert "nothing is left to train" in second.err
    assert {row.summary["pid"] for row in trained(reader).values()} == pids
    assert len(sweeps(reader)) == 1


def test_a_larger_sweep_trains_only_what_is_new(home, reader, capsys):
    assert main(["sweep", *GRID, "--seeds", "1"]) == 0
    capsys.readouterr()
    assert main(["sweep", *GRID, "--seeds", "2"]) == 0
    assert "4 experiments" in capsys.readouterr().err
    assert len(sweeps(reader)) == 2


def test_the_first_method_named_is_the_baseline_though_it_fits_not_everywhere(home, capsys):
    grid = ["--networks", "mlp", "--micro-batches", "1", "2", "--lrs", "0.05", "--jobs", "2"]
    assert main(["sweep", "batch", "group", "kalman", *grid, "--seeds", "2", "--epochs", "1"]) == 0
    printed = capsys.readouterr()
    assert "left out: batch at batch 64, micro-batch 1" in printed.err
    head, _, *rows = [line for line in printed.out.splitlines() if line.startswith("|")]
    assert "| minus batch " in head
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert [(row[1], row[2]) for row in cells if row[1] == "2"] == [
        ("2", "batch"), ("2", "group"), ("2", "kalman")
    ]  # fmt: skip
    told = {(row[1], row[2]): bool(row[-1]) for row in cells}
    assert told == {("1", "group"): False, ("2", "batch"): False,
                    ("2", "group"): True, ("2", "kalman"): True}  # fmt: skip


def test_a_method_without_a_result_is_no_baseline():
    jobs = Sweep(("batch", "group"), (2,), seeds=(0, 1)).jobs
    ends = {"batch": ("failed", {}), "group": ("finished", {"test_accuracy": 0.5})}
    found = [Result(job, ends[job.experiment.method][0], 1, "", ends[job.experiment.method][1])
             for job in jobs]  # fmt: skip
    assert "| minus group " in table(found, ("batch", "group"))


def test_one_seed_orders_nothing_and_the_table_says_so(home, capsys):
    assert main(["sweep", *GRID, "--seeds", "7,"]) == 0
    printed = capsys.readouterr().out
    assert "seed" in printed.splitlines()[-1]
    assert "+" not in printed  # no differences


def test_what_failed_is_named_and_can_be_tried_again(home, reader, capsys):
    wrong = ["sweep", "batch", "--micro-batches", "2", "--seeds", "1", "--lrs", "1", "2"]
    assert main(wrong) == 1
    printed = capsys.readouterr()
    assert "timing a few steps of one kind of experiment ..." in printed.err
    assert "1 failed" in printed.out
    assert "failed: batch, micro-batch 2, seed 0: Lr must be kinder." in printed.err
    assert "--again" in printed.err
    before = [reader.race(job.id).rewinds for job, _ in _rows(reader)]
    assert main(wrong) == 1
    assert [reader.race(job.id).rewinds for job, _ in _rows(reader)] == before
    capsys.readouterr()
    assert main([*wrong, "--again"]) == 1
    assert "for 1 experiment\n" in capsys.readouterr().err
    after = [reader.race(job.id).rewinds for job, _ in _rows(reader)]
    assert [new > old for new, old in zip(after, before, strict=True)] == [False, True]


def test_without_results_there_is_no_table_and_nothing_about_their_order(home, capsys):
    wrong = ["sweep", "batch", "kalman", "--micro-batches", "2", "--seeds", "1", "--lrs", "2"]
    assert main(wrong) == 1
    assert "single seed" not in capsys.readouterr().out


def test_where_nobody_watches_progress_is_told_seldom(capsys):
    with Bar(100) as bar:
        for done in range(100):
            bar.show(done, f"{done}/100 done")
        bar.show(100, "100/100 done", last=True)
    told = capsys.readouterr().err
    assert "0/100 done" in told
    assert "100/100 done" in told
    assert told.count("/100 done") < 5


def test_estimate_only_says_how_long(home, reader, capsys):
    assert main(["sweep", *GRID, "--seeds", "2", "--estimate"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("about ")
    assert "for 8 experiments, 2 at a time" in printed.out
    assert "timing a few steps of 2 kinds" in printed.err
    assert sweeps(reader) == []


def test_a_sweep_stopped_from_elsewhere_says_so(home, reader, monkeypatch, capsys):
    from bkn.cli import conduct

    real = conduct.job_rows

    def stop(*given):
        for found in sweeps(reader):
            with Writer(store_path(home)) as writer, writer.transaction():
                set_sweep(writer, found.id, "stopped", None)
        return real(*given)

    monkeypatch.setattr(conduct, "job_rows", stop)
    endless = ["sweep", "batch", "--micro-batches", "2", "--seeds", "1", "--lrs", f"{toy.ENDLESS}"]
    monkeypatch.setattr("bkn.cli.sweep.timed_estimate", lambda *_: _Known())
    assert main(endless) == 1
    assert "stopped from elsewhere" in capsys.readouterr().err


def test_a_sweep_whose_owner_died_when_all_was_done_comes_to_its_end(home, reader, monkeypatch):
    """Or the command would wait for ever for somebody to say that it is over."""
    from bkn.cli import conduct

    real, times = conduct.sweep_row, []

    def owned_by_the_dead(of, sweep_id):
        rows = trained(reader).values()
        if len(rows) == 1 and all(row.status == "finished" for row in rows) and not times:
            times.append(1)
            with Writer(store_path(home)) as writer, writer.transaction():
                set_sweep(writer, sweep_id, "running", "dead")
        return real(of, sweep_id)

    monkeypatch.setattr(conduct, "sweep_row", owned_by_the_dead)
    assert main(["sweep", "batch", "--micro-batches", "2", "--seeds", "1", "--lrs", "1"]) == 0
    assert times
    assert sweeps(reader)[0].status == "finished"


class _Known:
    words = "about 1 s"


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(home, reader):
    code = (
        "import sys; from bkn.engine import job_process;"
        "from tests.engine import toy_job_worker as toy; job_process.COMMAND = toy.COMMAND;"
        "from bkn.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    endless = ["sweep", "batch", "--micro-batches", "2", "--seeds", "1", "--lrs", f"{toy.ENDLESS}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *endless], cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: any(row.status == "running" for row in _all(reader)), "a running job")
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    workers = [int(pid) for pid in listed.stdout.split()]
    assert workers
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "stopped; the same command continues it" in said
    assert "Traceback" not in said
    assert sweeps(reader)[0].status == "stopped"
    assert [row.status for row in _all(reader)] == ["stopped"]
    assert not any(lives(pid) for pid in workers)


def _all(reader):
    return [row for found in sweeps(reader) for row in
            job_rows(reader, [job.id for job in found.sweep.jobs]).values()]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["magic"], "unknown method 'magic'"),
        (["--micro-batches", "3"], "micro_batch must divide batch=64, got 3"),
        (["--seeds", "many"], "seeds must be a count such as 5"),
        (["--jobs", "0"], "jobs must be a whole number above 0, got '0'"),
        (["--executor", "cloud"], "executor must be local or ray, got 'cloud'"),
        (["--network-option", "width"], "must read NAME=VALUE"),
        (["--out", "/no/such/folder/x.csv"], "cannot be written: there is no such folder"),
        (["--out", "/"], "/ cannot be written: it is a folder"),
        (["--cpus", "2", "--address", "h:1"], "--address, --cpus would change nothing without"),
        (["--executor", "ray", "--cpus", "0"], "cpus must be a number above 0, got '0'"),
        (["--executor", "ray", "--gpus", "1.5"], "gpus must be a share such as 0.25 or a whole"),
        (["--executor", "ray", "--gpus", "-1"], "gpus must be a share such as 0.25 or a whole"),
        (["--diagnose", "always"], "diagnose must be one of"),
        (["--device", "cuda:99"], "device 'cuda:99' is not on this machine; here: auto, cpu"),
    ],
)
def test_wrong_arguments_end_in_one_sentence(home, capsys, arguments, words):
    assert main(["sweep", *arguments, "--lrs", "1"]) == 2
    assert words in capsys.readouterr().err


def test_ray_that_is_not_installed_is_said_in_words(home, capsys, monkeypatch):
    monkeypatch.setattr(executors, "find_spec", lambda name: None)
    assert main(["sweep", "--executor", "ray"]) == 2
    assert "pip install -r requirements-ray.txt" in capsys.readouterr().err


def test_a_damaged_store_is_said_in_words(home, capsys):
    store_path(home).write_bytes(b"no database at all " * 300)
    assert main(["sweep", *GRID]) == 1
    assert "move the file away" in capsys.readouterr().err


def test_what_does_not_fit_is_left_out_and_named(home, reader, capsys):
    given = ["batch", "--batches", "6", "64", "--micro-batches", "2", "4", "--lrs", "1"]
    assert main(["sweep", *given, "--seeds", "1"]) == 0
    assert "left out: batch at batch 6, micro-batch 4: micro_batch must divide" in (
        capsys.readouterr().err
    )
    assert len(trained(reader)) == 3


def test_seeds_are_a_count_or_a_list():
    assert seeds_of("3") == (0, 1, 2)
    assert seeds_of("3,7,9") == (3, 7, 9)
    assert seeds_of("7,") == (7,)
    for wrong in ("0", "x", "", "-1", "1.5"):
        with pytest.raises(ValueError, match="seeds must"):
            seeds_of(wrong)
