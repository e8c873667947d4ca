"""python -m bkn data: what it lists, fetches and says, and what a sudden end leaves behind."""

import json
import os
import pickle
import signal
import subprocess
import sys

import pytest

from bkn.__main__ import main
from bkn.catalog import DATASETS
from bkn.data.downloaded import load
from bkn.fetch.state import state
from bkn.home import ROOT
from bkn.store.home import store_path
from bkn.store.reader import Reader
from bkn.sweep import Sweep
from tests.data.tiny import KEYS, TRAIN, expected, files
from tests.patience import PATIENCE, until
from tests.sweeps import write_sweep


@pytest.fixture
def begin(tmp_path, folder, card_of):
    """Starts the command in a process of its own, with the tiny dataset of that key."""
    processes = []

    def begin(*arguments):
        cards = [DATASETS[name] for name in arguments if name in KEYS]
        (tmp_path / "cards").write_bytes(pickle.dumps(cards))
        command = ["tests.fetch.with_cards", str(tmp_path / "cards"), "data", *arguments]
        home = {"BKN_HOME": str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **home},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def test_it_lists_what_is_here_and_how_to_get_the_rest(card_of, folder, capsys):
    card_of("svhn")
    assert main(["data", "svhn"]) == 0
    capsys.readouterr()
    assert main(["data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    said = {line.split()[0]: line for line in lines}
    assert set(DATASETS) <= set(said)
    assert said["digits"].endswith("  shipped")
    assert said["shapes"].endswith("  drawn here")
    assert said["svhn"].split()[1:] == ["here,", "0.2", "MB"]
    assert said["cifar10"].endswith("missing, 170 MB to fetch: python -m bkn data cifar10")
    assert lines[-1] == f"fetched ones are kept in {folder}"


def test_it_fetches_what_is_named_with_a_bar(card_of, folder, capsys):
    for key in ("mnist", "cifar10"):
        card_of(key)
    assert main(["data", "mnist", "digits", "cifar10"]) == 0
    printed = capsys.readouterr()
    assert "digits is shipped, nothing to fetch" in printed.out
    assert f"cifar10 is here, 0.6 MB, in {folder}" in printed.out
    assert "100%" in printed.err
    assert load(DATASETS["cifar10"]).train_size == TRAIN


def test_one_that_fails_is_said_and_the_next_is_fetched(card_of, folder, site, capsys, monkeypatch):
    card_of("svhn")
    card_of("mnist")
    (site.folder / "train_32x32.mat").unlink()
    assert main(["data", "svhn", "mnist"]) == 1
    printed = capsys.readouterr().out
    assert "svhn failed: 127.0.0.1:" in printed
    assert "answers 404" in printed
    assert "mnist is here" in printed


def test_an_unknown_name_is_refused_before_anything_is_fetched(card_of, site, capsys):
    card_of("mnist")
    assert main(["data", "mnist", "imagenet"]) == 2
    assert "unknown dataset 'imagenet'; known: digits, shapes, mnist" in capsys.readouterr().err
    assert site.asked == []


@pytest.mark.parametrize("command", ["train", "record"])
def test_a_race_on_missing_images_is_refused_and_fetches_nothing(
    command, card_of, folder, site, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("BKN_HOME", str(tmp_path))
    card_of("cifar10")
    assert main([command, "--dataset", "cifar10", "--batch", "20"]) == 2
    assert capsys.readouterr().err == (
        f"bkn {command}: cifar10 is not on this machine; fetch it (0.2 MB) with: "
        "python -m bkn data cifar10\n"
    )
    assert site.asked == []
    assert Reader(store_path(tmp_path)).races() == []


def test_a_sweep_on_missing_images_is_refused_unless_all_of_it_is_done(
    card_of, folder, site, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("BKN_HOME", str(tmp_path))
    card_of("cifar10")
    command = ["sweep", "batch", "group", "--datasets", "cifar10", "--batches", "20"]
    command += ["--micro-batches", "2", "4", "--seeds", "2", "--epochs", "1"]
    assert main([*command, "--estimate"]) == 2
    assert "cifar10 is not on this machine; fetch it" in capsys.readouterr().err
    assert main(command) == 2
    assert site.asked == []
    sweep = Sweep(
        ("batch", "group"), (2, 4), (20,), datasets=("cifar10",), seeds=(0, 1),
        common={"epochs": 1},
    )  # fmt: skip
    write_sweep(tmp_path, sweep, lambda job: 0.5)
    assert main(command) == 0
    assert "50.0" in capsys.readouterr().out


def test_it_tells_a_program_in_lines(card_of, folder, begin):
    card = card_of("cifar10")
    process = begin("--lines", "cifar10")
    said = [json.loads(line) for line in process.stdout]
    assert process.wait(PATIENCE) == 0
    assert said[0]["what"] == "checking"
    assert {"downloading", "unpacking"} <= {one["what"] for one in said[:-1]}
    assert all(one["fetching"] == "cifar10" for one in said[:-1])
    assert all(0 <= one["done"] <= one["total"] == card.size for one in said[:-1])
    assert said[-1] == {
        "fetched": "cifar10", "words": f"cifar10 is here, 0.6 MB, in {folder}",
    }  # fmt: skip


def test_it_ends_with_its_stdin(card_of, folder, site, begin):
    card_of("cifar10")
    site.waits = 1000
    process = begin("--lines", "cifar10")
    until(lambda: site.sent, "it to be under way")
    process.stdin.close()
    assert process.wait(PATIENCE) == 3
    assert not (folder / "cifar-10-python.tar.gz").exists()


@pytest.mark.parametrize(("how", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_sudden_end_leaves_nothing_that_looks_whole(card_of, folder, site, begin, how, status):
    card = card_of("cifar10")
    site.waits = 100_000
    process = begin("cifar10")
    part = folder / "cifar-10-python.tar.gz.part"
    until(lambda: part.exists() and part.stat().st_size, "it to be under way")
    process.send_signal(how)
    assert process.wait(PATIENCE) == status
    assert files(folder) == {"cifar-10-python.tar.gz.part"}
    assert state(card).kind == "missing"
    came = part.stat().st_size
    if how == signal.SIGINT:
        assert b"the same command goes on where it was" in process.stderr.read()
    site.waits = 0
    assert begin("cifar10").wait(PATIENCE) == 0
    assert site.asked[-1][1] == f"bytes={came}-"
    assert files(folder) == expected(card)
    assert load(card).train_size == TRAIN


def test_two_processes_share_one_transfer(card_of, folder, site, begin):
    card = card_of("cifar10")
    site.waits = 1000
    first = begin("--lines", "cifar10")
    until(lambda: site.sent, "the first to be under way")
    second = begin("--lines", "cifar10")
    line = json.loads(second.stdout.readline())
    assert (line["what"], line["who"]) == ("waiting", str(first.pid))
    site.go.set()
    assert [process.wait(PATIENCE) for process in (first, second)] == [0, 0]
    assert site.names() == ["cifar-10-python.tar.gz"]
    assert files(folder) == expected(card)


def test_who_waits_goes_on_when_the_first_is_killed(card_of, folder, site, begin):
    card = card_of("cifar10")
    site.waits = 1000
    first = begin("--lines", "cifar10")
    until(lambda: site.sent, "the first to be under way")
    second = begin("--lines", "cifar10")
    second.stdout.readline()
    first.kill()
    until(lambda: len(site.asked) == 2, "the second to ask")
    site.go.set()
    assert second.wait(PATIENCE) == 0
    assert files(folder) == expected(card)
