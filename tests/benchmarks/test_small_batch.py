"""The comparison is paired, and a claim holds for the mean difference only within its bounds."""

import argparse

from benchmarks import small_batch
from benchmarks.small_batch import CLAIMS, SETTINGS, difference_table, experiments

ARGS = argparse.Namespace(seeds=3, epochs=4, device="cpu")


def test_all_settings_share_seeds_and_everything_but_the_method():
    for entrant, micro_batch in SETTINGS:
        found = experiments(entrant, micro_batch, ARGS)
        assert [one.seed for one in found] == [0, 1, 2]
        assert {one.entrant for one in found} == {entrant}
        shared = {(e.dataset, e.network, e.batch, e.micro_batch, e.lr, e.epochs) for e in found}
        assert shared == {("digits", "convnet", 64, micro_batch, 0.05, 4)}


def test_claims_hold_within_their_bounds_only():
    small, large = CLAIMS
    assert [small.holds(x) for x in (0.0099, 0.01, 0.05, -0.02)] == [False, True, True, False]
    assert [large.holds(x) for x in (-0.011, -0.01, 0.0, 0.01, 0.011)] == [
        False, True, True, True, False,
    ]  # fmt: skip


def test_differences_are_taken_seed_by_seed():
    found = {
        ("batch", 2): [0.90, 0.80, 0.70], ("kalman", 2): [0.93, 0.83, 0.73],
        ("batch", 64): [0.99, 0.98, 0.97], ("kalman", 64): [0.95, 0.94, 0.93],
    }  # fmt: skip
    small, large = difference_table(found).splitlines()[2:]
    assert "+3.00 " in small  # every seed gains 3 points, so the interval has no width
    assert "+3.00 to +3.00" in small
    assert small.rstrip(" |").endswith("yes")
    assert "-4.00 to -4.00" in large
    assert large.rstrip(" |").endswith("no")


def test_it_prints_both_tables(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["small_batch", "--seeds", "2"])
    monkeypatch.setattr(
        small_batch, "accuracies", lambda runs, jobs: [0.9 + run.seed / 100 for run in runs]
    )
    small_batch.main()
    printed = capsys.readouterr().out
    assert printed.count("90.50") == len(SETTINGS)
    assert "| kalman − batch |" in printed
