"""The table of all methods: means in their places, failures named."""

from benchmarks import every_method
from benchmarks.every_method import table
from bkn import methods


def test_a_failure_and_a_divergence_are_named():
    found = [0.9, 0.92, 0.0, 0.1, 0.97, 0.97, 0.96, 0.96]
    bad, good = table(["bad", "good"], found, seeds=2).splitlines()[2:]
    assert [cell.strip() for cell in bad.split("|")][1:3] == ["`bad`", "91.00"]
    assert "2 of 2 at (2, 2) (1 diverged)" in bad
    assert " of 2 at (64, 2)" not in bad
    assert "97.00" in good
    assert "96.00 to 96.00" in good
    assert " of 2 at " not in good


def test_it_runs_every_method_at_both_settings_with_the_same_seeds(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr("sys.argv", ["every_method", "--seeds", "2", "--small-lr", "0.01"])
    monkeypatch.setattr(
        every_method, "accuracies", lambda runs, jobs: seen.extend(runs) or [0.9] * len(runs)
    )
    every_method.main()
    assert {run.method for run in seen} == set(methods())
    assert {(r.batch, r.micro_batch, r.lr) for r in seen} == {(64, 2, 0.05), (2, 2, 0.01)}
    assert len(seen) == 4 * len(methods())
    assert capsys.readouterr().out.count("90.00 to 90.00") == 2 * len(methods())
