"""The update in numbers is the update of the layers."""

import numpy as np
import pytest
import torch

from bkn import replay
from bkn.normalizers.belief import Belief
from bkn.normalizers.filtering import update


@pytest.mark.parametrize("gain", [0.0, 0.1, 0.65, 1.0])
def test_the_mixture_is_the_update_of_the_layers(gain):
    stream = torch.Generator().manual_seed(0)
    draw = [torch.rand(4, 3, generator=stream, dtype=torch.float64) for _ in range(4)]
    expected = update(Belief(draw[0], draw[1]), Belief(draw[2], draw[3]), gain)
    prior, seen = replay.moments(draw[0], draw[1]), replay.moments(draw[2], draw[3])
    found = replay.UPDATES["mixture"](prior, seen, gain, None)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(found.var, expected.var, rtol=1e-12)


def test_mean_and_variance_may_have_gains_of_their_own():
    prior, seen = replay.moments(0.0, 1.0), replay.moments(2.0, 3.0)
    found = replay.mixture(prior, seen, 0.5, 1.0)
    assert (found.mean, found.var) == (1.0, 3.0)
