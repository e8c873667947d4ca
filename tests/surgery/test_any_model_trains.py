"""Networks of torchvision in races, as any other network."""

import math
import warnings

import pytest
import torch

from bkn.experiment import Race
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink

KEYS = ("resnet18", "densenet121", "mobilenet_v3_small", "shufflenet_v2_x0_5")


def filters(model):
    """Copies of the weights of convolutions and of the classifier."""
    return [p.detach().clone() for p in model.parameters() if p.dim() > 1]


@pytest.mark.parametrize("dataset", ["digits", "shapes"])
@pytest.mark.parametrize("key", KEYS)
def test_a_network_of_torchvision_trains(key, dataset):
    race = Race.of(
        ["batch", "kalman"], dataset=dataset, network=key, batch=4, micro_batch=2, lr=0.01,
        probe="off",
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no moment rule")
        trainer = RaceTrainer(race, MemorySink(race), record_every=0.0)
    models = [entrant.model for entrant in trainer.entrants]
    before = [filters(model) for model in models]
    for one, other in zip(*before, strict=True):
        assert torch.equal(one, other)  # all entrants start alike
    trainer.advance()
    trainer.advance()
    for run, model, weights in zip(trainer.sink.runs, models, before, strict=True):
        assert run.status == "running"
        losses = run.scalars()["loss"]
        assert len(losses) == 2
        assert all(map(math.isfinite, losses))
        for now, then in zip(filters(model), weights, strict=True):
            assert not torch.equal(now, then)
