"""The largest Fisher eigenvalue: against the dense matrix, by hand, and against the theory."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from bkn.diagnostics.fisher import (
    approach,
    in_float64,
    largest_eigenvalue,
    learning_rate_bound,
    power_iteration,
)
from bkn.diagnostics.mean_field import Layer, contributions, lower_bound
from bkn.diagnostics.subject import Subject
from bkn.probe.frozen import frozen
from tests.diagnostics.nets import random_batch, random_dense, trained


def dense(subject, metric):
    """F with every row of J from a backward pass of its own."""
    exact = in_float64(subject)
    with frozen(exact.model, gradient=True):
        logits = exact.logits()
        rows = [
            torch.autograd.grad(
                one, list(exact.parameters().values()), retain_graph=True, materialize_grads=True,
                allow_unused=True,
            )
            for one in logits.flatten()
        ]  # fmt: skip
    n, k = logits.shape
    j = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows]).view(n, k, -1)
    p = logits.detach().softmax(1)
    m = torch.diag_embed(p) - p[:, :, None] * p[:, None] if metric == "softmax" else torch.eye(k)
    return torch.einsum("nkp,nkl,nlq->pq", j, m.expand(n, k, k).double(), j) / n


@pytest.mark.parametrize("metric", ["softmax", "identity"])
@pytest.mark.parametrize("norm", ["none", "torch", "batch", "kalman"])
def test_it_is_the_largest_of_the_dense_matrix(norm, metric):
    if norm in ("none", "torch"):
        model = random_dense([6, 8, 5], gamma=None if norm == "none" else 1.0)
        for part in model:
            part.requires_grad_()
        subject = Subject(model, *random_batch(12, 6, classes=5))
    else:
        subject = trained(norm)[1]
    values = torch.linalg.eigvalsh(dense(subject, metric))
    found = largest_eigenvalue(subject, metric, tolerance=1e-6, most=1000)
    assert found.converged
    # the second eigenvalue may lie close below, where the last bit of the way takes long
    assert found.value == pytest.approx(values[-1].item(), rel=5e-3)
    assert found.value <= values[-1].item() * (1 + 1e-5)


def test_one_image_and_one_output_by_hand():
    model = nn.Linear(3, 1, bias=False)
    subject = Subject(model, torch.tensor([[1.0, 2.0, -2.0]]), torch.tensor([0]))
    found = largest_eigenvalue(subject, "identity", tolerance=1e-5)
    assert found.value == pytest.approx(9.0, rel=1e-4)
    assert found.converged
    nothing = largest_eigenvalue(subject, "softmax")  # a single class is never in doubt
    assert (nothing.value, nothing.converged) == (0.0, True)
    assert learning_rate_bound(nothing.value, 0.9) == math.inf


def test_one_image_and_two_classes_by_hand():
    model = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.3, 0.1], [-0.2, 0.4]]))
    x = torch.tensor([[1.5, -0.5]])
    p = model(x).softmax(1)[0, 0].item()
    found = largest_eigenvalue(Subject(model, x, torch.tensor([1])), tolerance=1e-5)
    assert found.value == pytest.approx(2 * p * (1 - p) * 2.5, rel=1e-4)


def test_the_value_rises_to_its_end_and_says_how_far_it_is():
    _, subject = trained("kalman")
    path = list(approach(subject, tolerance=1e-4, most=400))
    assert [one.iterations for one in path] == list(range(1, len(path) + 1))
    values = [one.value for one in path]
    assert all(b >= a * (1 - 1e-5) for a, b in pairwise(values))
    assert [one.converged for one in path] == [False] * (len(path) - 1) + [True]
    early = largest_eigenvalue(subject, tolerance=1e-4, most=2)
    assert (early.iterations, early.converged) == (2, False)
    assert early == path[1]  # the start is the same each time


def test_a_pause_at_the_second_eigenvector_is_not_the_end():
    matrix = torch.diag(torch.tensor([1.0, 0.88, 0.2]).double())
    start = torch.tensor([0.12, 1.0, 1e-3]).double()  # hardly changes at first, then more
    *_, last = power_iteration(lambda v: matrix @ v, start, tolerance=1e-3, most=200)
    assert last.converged
    assert last.value == pytest.approx(1.0, rel=0.01)


def test_exploded_weights_end_the_iteration_unconverged():
    model = nn.Linear(3, 2)
    nn.init.constant_(model.weight, math.inf)
    found = largest_eigenvalue(Subject(model, torch.ones(2, 3), torch.tensor([0, 1])))
    assert not found.converged
    assert found.iterations == 1
    assert math.isnan(found.value)


def test_a_rate_above_the_bound_diverges_and_one_below_does_not():
    """On a quadratic loss heavy ball is stable exactly below 2 (1 + momentum) / eigenvalue."""
    x, _ = random_batch(20, 4)
    model = nn.Linear(4, 1, bias=False)
    value = largest_eigenvalue(Subject(model, x, torch.zeros(20).long()), "identity", 1e-10, 999)
    for share, stable in ((0.98, True), (1.02, False)):
        nn.init.constant_(model.weight, 1.0)
        rate = share * learning_rate_bound(value.value, 0.9)
        optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9)
        for _ in range(2000):
            optimizer.zero_grad()
            (model(x).square().mean() / 2).backward()
            optimizer.step()
        assert (model.weight.norm().item() < 1.0) is stable


def constants(model, x):
    """The same network with what batch norm took from this batch as fixed numbers."""
    parts = []
    for part in model:
        if isinstance(part, nn.BatchNorm1d):
            scale = part.weight / x.std(0, correction=0)
            fixed = nn.Linear(x.shape[1], x.shape[1])
            fixed.weight.data, fixed.bias.data = torch.diag(scale), -x.mean(0) * scale
            parts.append(fixed.requires_grad_(False))
        else:
            parts.append(part)
        x = parts[-1](x).detach()
    return nn.Sequential(*parts)


WIDTHS = [100, 200, 200, 10]
LAYERS = [Layer(width) for width in WIDTHS[:-1]]


def test_a_wide_network_without_normalization_exceeds_the_bound_of_theory():
    found = largest_eigenvalue(
        Subject(random_dense(WIDTHS), *random_batch(64, 100)), "identity", tolerance=1e-3
    )
    assert found.converged
    assert lower_bound(LAYERS) < found.value < 3 * lower_bound(LAYERS)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_batch_norm_exceeds_the_bound_of_theory_where_statistics_are_constants(gamma):
    x, y = random_batch(64, 100)
    model = random_dense(WIDTHS, gamma)
    fixed = largest_eigenvalue(Subject(constants(model, x), x, y), "identity", tolerance=1e-3)
    assert lower_bound(LAYERS, gamma=gamma) < fixed.value < 3 * lower_bound(LAYERS, gamma=gamma)
    # In training the gradient goes through the statistics and hidden layers have no mean gradient
    # left: of the bound only the last layer's part is one.
    training = largest_eigenvalue(Subject(model, x, y), "identity", tolerance=1e-3)
    last = contributions(LAYERS, 2.0, 0.5, gamma)[-1]
    assert last < training.value < fixed.value


def test_it_grows_with_gamma():
    x, y = random_batch(32, 100)
    found = [
        largest_eigenvalue(Subject(random_dense(WIDTHS, g), x, y), "identity", 1e-3).value
        for g in (0.25, 0.5, 1.0, 2.0, 4.0)
    ]
    assert found == sorted(found)
    assert found[-1] > 50 * found[0]


def test_unknown_metrics_are_refused():
    with pytest.raises(ValueError, match="metric must be softmax or identity, got 'euclid'"):
        largest_eigenvalue(trained()[1], "euclid")
