"""The theory against random wide networks."""

import math
from itertools import pairwise

import pytest
import torch

from bkn.diagnostics import mean_field
from bkn.diagnostics.mean_field import Layer

SW2, SB2 = 2.0, 0.5


def draw(widths, generator, gamma=None, inputs=2):
    """(forward, backward) of a random net with unit gradient at output 0, over random inputs.

    Without gamma: no normalization. With gamma: batch normalization whose statistics count as
    constants in the gradient, as in the theory.
    """
    x = torch.randn(inputs, widths[0], generator=generator, dtype=torch.float64)
    hats, pre, slopes, weights = [x], [], [], []
    for layer, (below, above) in enumerate(pairwise(widths), 1):
        w = torch.randn(above, below, generator=generator, dtype=torch.float64)
        w *= math.sqrt(SW2 / below)
        b = torch.randn(above, generator=generator, dtype=torch.float64) * math.sqrt(SB2)
        u = hats[-1] @ w.T + b
        scale = torch.ones(above, dtype=torch.float64)
        if gamma is not None and layer < len(widths) - 1:
            scale = gamma / u.std(0, correction=0)
            v = (u - u.mean(0)) * scale
        else:
            v = u
        weights.append(w)
        pre.append(u)
        slopes.append((v > 0) * scale)
        hats.append(v.relu())
    gradient = torch.zeros(inputs, widths[-1], dtype=torch.float64)
    gradient[:, 0] = 1
    gradients = [gradient]
    for w, slope in zip(reversed(weights[1:]), reversed(slopes[:-1]), strict=True):
        gradients.insert(0, gradients[0] @ w * slope)
    return hats, pre, gradients


def product(values):
    """Mean over pairs of different inputs of the products, summed over units."""
    n = len(values)
    total = values.sum(0)
    return ((total * total).sum() - values.square().sum()) / (n * (n - 1))


def test_without_normalization_the_recursion_is_what_random_nets_show():
    widths = [1500, 1500, 1500, 1500, 10]
    theory = mean_field.backward(mean_field.forward(4, SW2, SB2, None), SW2, None)
    measured = {name: [[] for _ in widths[1:]] for name in ("q", "q_xy", "tilde", "tilde_xy")}
    for seed in range(8):
        _, pre, gradients = draw(widths, torch.Generator().manual_seed(seed), inputs=12)
        for layer, (u, g) in enumerate(zip(pre, gradients, strict=True)):
            measured["q"][layer].append(u.square().mean())
            measured["q_xy"][layer].append(product(u) / u.shape[1])
            measured["tilde"][layer].append(g.square().sum(1).mean())
            measured["tilde_xy"][layer].append(product(g))
    for name, layers in measured.items():
        for layer, values in enumerate(layers[:3]):  # ten outputs are too few to average over
            expected = getattr(theory[layer + 1], name)
            assert torch.stack(values).mean().item() == pytest.approx(expected, rel=0.05), name


def test_the_rectified_moments_are_those_of_correlated_gaussians():
    generator = torch.Generator().manual_seed(0)
    u, v = torch.randn(2, 400_000, generator=generator, dtype=torch.float64)
    q, c = 1.7, 0.6
    u, v = math.sqrt(q) * u, math.sqrt(q) * (c * u + math.sqrt(1 - c * c) * v)
    hat, hat_xy = mean_field.rectified(q, c * q)
    assert u.relu().square().mean().item() == pytest.approx(hat, rel=0.01)
    assert (u.relu() * v.relu()).mean().item() == pytest.approx(hat_xy, rel=0.01)
    assert mean_field.rectified(q, q) == pytest.approx((q / 2, q / 2))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_with_normalization_the_forward_recursion_is_what_random_nets_show(gamma):
    theory = mean_field.forward(3, SW2, SB2, gamma)
    hats, pre, _ = draw([1500] * 4, torch.Generator().manual_seed(1), gamma, inputs=128)
    for layer in (1, 2):
        h = hats[layer]
        assert h.square().mean().item() == pytest.approx(theory[layer].hat, rel=0.05)
        assert product(h).item() / h.shape[1] == pytest.approx(theory[layer].hat_xy, rel=0.05)
        assert pre[layer].square().mean().item() == pytest.approx(theory[layer + 1].q, rel=0.05)


def test_with_normalization_a_gradient_is_that_of_statistics_as_constants():
    """Of the first norm, in front of which two inputs are correlated by the biases alone."""
    gamma, ratios, products = 1.5, [], []
    for seed in range(6):
        _, _, gradients = draw([1500, 1500, 1500, 1500], torch.Generator().manual_seed(seed),
                                    gamma, inputs=128)  # fmt: skip
        # what is printed divides by q; the nets by the variance over the data, q - q_xy
        theory = mean_field.backward(mean_field.forward(3, SW2, SB2, gamma), SW2, gamma)
        variance = theory[2].q - theory[2].q_xy
        ratios.append(gradients[1].square().sum(1).mean() * variance / theory[2].q)
        products.append(product(gradients[1]) * variance / theory[2].q)
    assert torch.stack(ratios).mean().item() == pytest.approx(theory[2].tilde, rel=0.05)
    assert torch.stack(products).mean().item() == pytest.approx(theory[2].tilde_xy, rel=0.05)


def test_the_bound_grows_with_gamma():
    layers = [Layer(100), Layer(100), Layer(100), Layer(100)]
    bounds = [mean_field.lower_bound(layers, gamma=g) for g in (0.25, 0.5, 1, 2, 3, 5)]
    assert bounds == sorted(bounds)
    assert bounds[-1] > 100 * bounds[0]


def test_small_gammas_lower_the_bound_below_that_without_normalization():
    layers = [Layer(784), Layer(1000), Layer(1000), Layer(1000)]
    assert mean_field.lower_bound(layers, gamma=0.5) < mean_field.lower_bound(layers) / 10


def test_a_convolution_at_one_place_is_fully_connected():
    dense = [Layer(27), Layer(90), Layer(40)]
    conv = [Layer(3 * 9, 1), Layer(10 * 9, 1), Layer(40)]
    for gamma in (None, 0.7):
        assert mean_field.contributions(conv, SW2, SB2, gamma) == pytest.approx(
            mean_field.contributions(dense, SW2, SB2, gamma)
        )


def test_the_first_layer_of_two_without_normalization_by_hand():
    # inputs: hat 1, hat_xy 0; q = 2.5, q_xy = 0.5, c = 0.2
    c = 0.2
    hat_xy = 2.5 / (2 * math.pi) * (math.sqrt(1 - c * c) + c * math.pi / 2 + c * math.asin(c))
    first, second = mean_field.contributions([Layer(7), Layer(11)], SW2, SB2, None)
    assert first == 0  # inputs without correlation have no mean gradient
    assert second == pytest.approx(11 * hat_xy)


@pytest.mark.parametrize(("name", "value"), [("sw2", -1.0), ("sb2", -0.1), ("gamma", -2.0)])
def test_impossible_variances_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 0, got {value}"):
        mean_field.lower_bound([Layer(3)], **{name: value})
    with pytest.raises(ValueError, match="at least one layer"):
        mean_field.lower_bound([])
