"""The measures of the probe: exact values, brute-force and Monte-Carlo twins."""

import math

import pytest
import torch

from bkn.normalizers.base import Belief, moments
from bkn.probe import errors


def test_exact_estimates_have_no_error():
    truth = Belief(torch.tensor([1.0, -2.0]), torch.tensor([4.0, 0.25]))
    estimate = Belief(truth.mean.expand(3, 2), truth.var.expand(3, 2))
    assert errors.mean_error(estimate, truth) == 0
    assert errors.var_error(estimate, truth) == 0


def test_errors_are_in_units_of_the_truth():
    truth = Belief(torch.tensor([1.0]), torch.tensor([4.0]))
    estimate = Belief(torch.tensor([[3.0], [1.0]]), torch.tensor([[8.0], [2.0]]))
    # one group is a full deviation off, the other exact; both variances are off by a factor of 2
    assert errors.mean_error(estimate, truth).item() == pytest.approx(0.5)
    assert math.exp(math.sqrt(errors.var_error(estimate, truth))) == pytest.approx(2.0)


def test_the_truth_is_what_one_pass_over_all_images_gives():
    x = 3 * torch.randn(6, 3, 4, 5, dtype=torch.float64) + torch.arange(6.0).view(6, 1, 1, 1)
    truth = errors.pooled(moments(x, micro_batch=2))
    assert truth.mean.shape == (3,)
    torch.testing.assert_close(truth.mean, x.mean((0, 2, 3)))
    torch.testing.assert_close(truth.var, x.var((0, 2, 3), unbiased=False))


def test_dead_channels_do_not_count():
    truth = Belief(torch.zeros(2), torch.tensor([1.0, 0.0]))
    estimate = Belief(torch.tensor([[1.0, 5.0]]), torch.tensor([[1.0, 0.0]]))
    assert errors.mean_error(estimate, truth) == 1.0
    assert errors.var_error(estimate, truth) == 0.0
    nobody = Belief(torch.zeros(2), torch.zeros(2))
    assert errors.mean_error(estimate, nobody).isnan()


def test_oracle_gain_beats_every_other_gain():
    generator = torch.Generator().manual_seed(1)
    truth = Belief(torch.zeros(4), torch.ones(4))
    seen = Belief(torch.randn(50, 4, generator=generator), torch.ones(50, 4))
    prior = Belief(0.4 + 0.3 * torch.randn(50, 4, generator=generator), torch.ones(50, 4))
    best = errors.oracle_gain(seen, prior, truth)

    def squared_error(gain):
        return (prior.mean + gain * (seen.mean - prior.mean)).square().sum(0)

    grid = torch.linspace(0, 1, 1001)
    brute = grid[torch.stack([squared_error(gain) for gain in grid]).argmin(0)]
    torch.testing.assert_close(best, brute, atol=1e-3, rtol=0)


def test_oracle_gain_is_clipped_and_defined_where_nothing_differs():
    truth = Belief(torch.zeros(2), torch.ones(2))
    seen = Belief(torch.tensor([[2.0, 0.5]]), torch.ones(1, 2))
    prior = Belief(torch.tensor([[1.0, 0.5]]), torch.ones(1, 2))  # nearer to the truth; equal
    assert errors.oracle_gain(seen, prior, truth).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("n", [2, 8, 128])
def test_theory_is_what_independent_gaussians_show(n):
    x = torch.randn(200_000, n, generator=torch.Generator().manual_seed(n))
    seen = Belief(x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True))
    truth = Belief(torch.zeros(1), torch.ones(1))
    mean_error, var_error = errors.theory(n)
    assert errors.mean_error(seen, truth).item() == pytest.approx(mean_error, rel=0.03)
    assert errors.var_error(seen, truth).item() == pytest.approx(var_error, rel=0.03)


def test_one_value_has_no_variance_to_speak_of():
    assert errors.theory(1)[0] == 1.0
    assert math.isnan(errors.theory(1)[1])


def test_innovations_measure_the_gap_between_observation_and_prior():
    truth = Belief(torch.zeros(1), torch.tensor([4.0]))
    seen, prior = (
        Belief(torch.tensor([[3.0]]), torch.ones(1, 1)),
        Belief(torch.tensor([[1.0]]), torch.full((1, 1), math.e)),
    )
    mean, var = errors.innovations(seen, prior, truth)
    assert mean.item() == pytest.approx(1.0)  # (3 - 1)^2 / 4
    assert var.item() == pytest.approx(1.0)  # ln(1 / e)^2
