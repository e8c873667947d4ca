"""The tables of benchmarks.adaptive_gain, from its runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.report import LEVEL, markdown, mean_interval, percent

ADAPTIVE = "kalman:gain=adaptive"
FIXED = ("kalman", "kalman:gain=0.95")  # the authors', for small and for large batches
WANTED = 0.9  # share of the layers in which the posterior is to be best

Runs = Sequence[dict[str, Any]]


def by_seed(runs: Runs, entrant: str, setting: tuple[int, int]) -> dict[int, dict[str, Any]]:
    """The runs of one entrant at (B, m)."""
    return {
        run["seed"]: run
        for run in runs
        if run["entrant"] == entrant and tuple(run["setting"]) == setting
    }


def errors(runs: Runs, setting: tuple[int, int], on_our_inputs: bool = False) -> str:
    """How often the adaptive posterior's error is the smallest, of mean and of variance.

    Over all seeds, probes and layers; once with the first layer, whose prior is its own past, and
    once without. The last columns are medians over all but the first layer.

    Args:
        runs: of one dataset and network.
        setting: (B, m).
        on_our_inputs: the fixed gains are looked at on the inputs of the adaptive run's layers,
            else in runs of their own.
    """
    adaptive, *fixed = (by_seed(runs, entrant, setting) for entrant in (ADAPTIVE, *FIXED))
    if on_our_inputs:
        fixed = [of_twins(adaptive, entrant) for entrant in FIXED]
    seeds = sorted(set(adaptive).intersection(*fixed))
    rows = []
    for place, kind in enumerate(("mean", "variance")):
        won: list[list[bool]] = []  # by probe, then layer
        four: list[list[float]] = []
        for seed in seeds:
            for step, layers in adaptive[seed]["errors"].items():
                others = [one[seed]["errors"].get(step) for one in fixed]
                if not all(others):  # one of them diverged
                    continue
                table = [
                    [*values[2 * place : 2 * place + 2], *(o[layer][2 * place + 1] for o in others)]
                    for layer, values in layers.items()
                ]
                won.append([row[1] < min(row[0], *row[2:]) for row in table])
                four += table[1:]
        if not won:
            return "no pairs of runs yet"
        hit = np.array(won, dtype=float)
        enough = [(part.mean(1) >= WANTED).mean() for part in (hit, hit[:, 1:])]
        medians = [f"{value:.2g}" for value in np.median(four, axis=0)]
        shares = [percent(hit.mean()), percent(hit[:, 1:].mean()), *map(percent, enough)]
        rows.append([kind, str(len(seeds)), *shares, *medians])
    head = ["error of", "seeds", "layers won, %", "but the first", f"probes with {WANTED:.0%}, %"]
    return markdown(
        [*head, "but the first", "observation", "adaptive", *(f"`{one}`" for one in FIXED)], rows
    )


def of_twins(adaptive: dict[int, dict[str, Any]], entrant: str) -> dict[int, dict[str, Any]]:
    """By seed, the errors of a fixed gain on the inputs of the adaptive runs' layers."""
    return {
        seed: {"errors": {step: twins[entrant] for step, twins in run["on_our_inputs"].items()}}
        for seed, run in adaptive.items()
        if run.get("on_our_inputs")
    }


def accuracies(runs: Runs, settings: Sequence[tuple[int, int]]) -> str:
    """Test accuracy by setting, with the paired difference to each other entrant."""
    rows = []
    for setting in settings:
        ours = by_seed(runs, ADAPTIVE, setting)
        row = [f"{setting}", "", ""]
        if ours:
            values = [run["accuracy"] for run in ours.values()]
            row = [f"{setting}", str(len(ours)), percent(float(np.mean(values)))]
        for entrant in (*FIXED, "batch"):
            theirs = by_seed(runs, entrant, setting)
            pairs = sorted(set(ours) & set(theirs))
            gaps = [ours[seed]["accuracy"] - theirs[seed]["accuracy"] for seed in pairs]
            if len(gaps) < 2:
                row.append("")
                continue
            s = mean_interval(gaps)
            mean = float(np.mean([theirs[seed]["accuracy"] for seed in pairs]))
            interval = f"{percent(s.low, True)} to {percent(s.high, True)}"
            row.append(f"{percent(mean)} ({percent(s.mean, True)}, {interval})")
        rows.append(row)
    others = [f"`{one}` (adaptive minus it, {LEVEL:.0%})" for one in (*FIXED, "batch")]
    return markdown(["(B, m)", "seeds", "adaptive, %", *others], rows)
