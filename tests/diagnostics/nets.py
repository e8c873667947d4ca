"""Small networks and batches for the tests of diagnostics."""

import math
from itertools import pairwise

import torch
from torch import nn

from bkn import Experiment
from bkn.diagnostics.subject import Subject
from bkn.training.entrant import Entrant

CPU = torch.device("cpu")


def trained(
    method="kalman", steps=2, batch=16, micro_batch=2, **options
) -> tuple[Entrant, Subject]:
    """A small network after a few steps on digits, and a batch to look at."""
    experiment = Experiment(
        method=method,
        options=options,
        batch=batch,
        micro_batch=micro_batch,
        network_options={"depth": 4, "width": 4},
        device="cpu",
    )
    entrant = Entrant(experiment, experiment.dataset_card.load()(CPU), CPU)
    for step in range(steps):
        entrant.train_step(*entrant.images.train(torch.arange(batch) + batch * step), lr=0.05)
    return entrant, subject_of(entrant)


def subject_of(entrant: Entrant) -> Subject:
    """The entrant on a batch it has not seen."""
    index = torch.arange(entrant.experiment.batch) + 500
    told = (entrant.images.train_domains(index),) if entrant.takes_domains else ()
    return Subject(entrant.model, *entrant.images.train(index), told)


def random_dense(widths, gamma=None, seed=0, sw2=2.0, sb2=0.5) -> nn.Sequential:
    """Linear layers as in mean-field theory, ReLU between, batch norm with a fixed scale gamma."""
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for below, above in pairwise(widths):
        layer = nn.Linear(below, above)
        nn.init.normal_(layer.weight, 0, math.sqrt(sw2 / below), generator)
        nn.init.normal_(layer.bias, 0, math.sqrt(sb2), generator)
        norm = nn.Identity() if gamma is None else nn.BatchNorm1d(above).requires_grad_(False)
        if gamma is not None:
            nn.init.constant_(norm.weight, gamma)
        layers += [layer, norm, nn.ReLU()]
    return nn.Sequential(*layers[:-2])  # the last layer is linear


def random_batch(images, units, classes=10, seed=1):
    """Independent Gaussian inputs (images, units) and labels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(images, units, generator=generator)
    return x, torch.randint(classes, (images,), generator=generator)
