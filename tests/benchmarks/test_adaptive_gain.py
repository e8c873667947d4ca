"""The adaptive gain against the fixed ones: in runs of their own, and on the same inputs."""

import torch

from benchmarks.adaptive_gain import measure, outputs, probe, probe_on, twin
from benchmarks.adaptive_gain_tables import ADAPTIVE, FIXED, errors
from bkn import Experiment, Race
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink

OURS = Experiment(
    method="kalman", options={"gain": "adaptive"}, network_options={"depth": 2, "width": 8},
    epochs=1, device="cpu",
)  # fmt: skip


def run(seed, adaptive, fixed):
    """A run whose layers have [observation, posterior] errors of the mean, then of the variance."""
    layers = {f"layer{i + 1}": [1.0, value, 1.0, 2.0] for i, value in enumerate(adaptive)}
    twins = {
        entrant: {f"layer{i + 1}": [1.0, value, 1.0, 3.0] for i, value in enumerate(fixed)}
        for entrant in FIXED
    }
    common = {"setting": [64, 2], "seed": seed, "accuracy": 0.9}
    return [
        {**common, "entrant": ADAPTIVE, "errors": {"5": layers}, "on_our_inputs": {"5": twins}},
        *({**common, "entrant": one, "errors": {"5": twins[one]}} for one in FIXED),
    ]


def test_a_layer_is_won_where_the_adaptive_error_is_the_smallest():
    ours, *others = run(0, adaptive=[0.1, 0.1, 0.6], fixed=[0.5, 0.5, 0.5])
    for table in (errors([ours, *others], (64, 2)), errors([ours], (64, 2), on_our_inputs=True)):
        mean, var = ([cell.strip() for cell in row.split("|")] for row in table.splitlines()[2:])
        assert mean[1:7] == ["mean", "1", "66.67", "50.00", "0.00", "0.00"]
        assert var[3] == "0.00", "2 is above the observation's 1"
    assert errors([ours], (64, 2)) == "no pairs of runs yet"


def test_a_twin_is_looked_at_on_our_inputs():
    trainer = RaceTrainer(Race((OURS,), "off"), MemorySink(Race((OURS,), "off")))
    for _ in range(4):
        trainer.advance()
    (ours,) = trainer.entrants
    with outputs(ours.norms) as ys:
        seen = probe(ours)
    fixed, batch = (twin(OURS, entrant, trainer) for entrant in (FIXED[0], "kalman:gain=1"))
    found, alike = (probe_on(ys, ours.model, other) for other in (fixed, batch))
    for layer, errors_of in seen.items():  # the observation is the same, whatever is made of it
        assert errors_of[::2] == found[layer][::2] == alike[layer][::2] == alike[layer][1::2]
    assert found["layer2"][1] != seen["layer2"][1]
    assert fixed.norms["layer2"].gain == 0.1
    assert probe(fixed) != found, "its outputs are its own again"


def test_a_run_holds_both_comparisons_at_the_same_steps():
    torch.manual_seed(0)
    found = measure(OURS)
    assert found["errors"].keys() == found["on_our_inputs"].keys()
    assert len(found["errors"]) == 19
    assert all(set(twins) == set(FIXED) for twins in found["on_our_inputs"].values())
