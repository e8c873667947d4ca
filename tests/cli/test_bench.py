"""python -m bkn bench: it prints the script's tables, where the script is."""

import pytest

from benchmarks import trainer_speed
from bkn.__main__ import main
from bkn.cli import bench


def test_it_prints_the_ratios_of_the_script(monkeypatch, capsys):
    told = [["digits", "light", "0.66", "0.65", "0.76", "0.75"]]
    asked = []
    monkeypatch.setattr(trainer_speed, "SETTINGS", (("digits", 100, 20),))
    monkeypatch.setattr(trainer_speed, "telemetry", lambda *how: asked.append(how) or told)
    monkeypatch.setattr(
        trainer_speed, "filtering", lambda *how: asked.append(how) or [["1.81"] * 5]
    )
    assert main(["bench", "--scale", "0.5"]) == 0
    assert asked == [("digits", 100, 10), ("digits", 100)]
    printed = capsys.readouterr().out
    assert "0.76" in printed
    assert "1.81" in printed


@pytest.mark.parametrize("scale", ["0", "-1", "much", "nan"])
def test_a_wrong_scale_is_refused_in_words(capsys, scale):
    assert main(["bench", f"--scale={scale}"]) == 2
    assert f"scale must be a number above 0 and at most 100, got {scale!r}" in (
        capsys.readouterr().err
    )


def test_without_the_repository_it_says_where_the_benchmarks_are(monkeypatch, capsys):
    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    assert main(["bench"]) == 2
    assert "the benchmarks come with the repository" in capsys.readouterr().err
