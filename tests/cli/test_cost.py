"""python -m bkn cost: what it prints, stores and refuses."""

import json
import subprocess
import sys

import pytest

from bkn.__main__ import main
from bkn.store.home import ROOT, store_path
from bkn.store.reader import Reader
from tests.patience import PATIENCE


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BKN_HOME", str(tmp_path))
    monkeypatch.setattr("bkn.training.cost.SECONDS", 0.1)
    return tmp_path


def test_what_was_measured_is_printed_and_stored(home, capsys):
    assert main(["cost", "group", "none"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["group", "none"]
    found = Reader(store_path(home)).costs()
    cost = found["group"]
    assert (cost.network, cost.batch, cost.micro_batch) == ("convnet", 64, 2)
    assert cost.ratio == pytest.approx(cost.step_ms / cost.baseline_ms)
    assert f"{cost.ratio:.2f} x" in printed[0]
    assert cost.rounds >= 15
    assert cost.options == {"groups": 4}


def test_an_unknown_method_is_refused_before_anything_is_measured(home, capsys):
    assert main(["cost", "group", "magic"]) == 2
    assert "unknown method 'magic'" in capsys.readouterr().err
    assert Reader(store_path(home)).costs() == {}


def test_a_method_that_fails_is_said_and_the_next_is_measured(home, capsys, monkeypatch):
    from bkn.training import cost

    measure = cost.measure

    def failing(experiment, seconds):
        if experiment.method == "group":
            raise ValueError("no room")
        return measure(experiment, seconds)

    monkeypatch.setattr(cost, "measure", failing)
    assert main(["cost", "group", "none"]) == 1
    assert "failed: no room" in capsys.readouterr().out
    assert set(Reader(store_path(home)).costs()) == {"none"}


def test_it_tells_a_program_in_lines_and_ends_with_its_stdin(home):
    process = subprocess.Popen(
        [sys.executable, "-m", "bkn", "cost", "--lines"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    first = json.loads(process.stdout.readline())
    assert (first["measuring"], first["number"]) == ("none", 1)
    process.stdin.close()
    assert process.wait(PATIENCE) == 3
    process.stdout.close()


def test_it_says_farewell_while_its_stdin_is_still_open(home):
    process = subprocess.Popen(
        [sys.executable, "-m", "bkn", "cost", "--lines", "none"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
    )  # fmt: skip
    said = [json.loads(line) for line in process.stdout]
    assert process.wait(PATIENCE) == 0
    assert [next(iter(one)) for one in said] == ["measuring", "measured"]
    process.stdin.close()
    process.stdout.close()
