"""What convert cannot work on, or works on otherwise than one might think, is said in words."""

import pytest
import torch
from torch import nn

from bkn.surgery.convert import convert


def test_a_lone_batch_norm_is_no_network():
    with pytest.raises(ValueError, match="must be a network with layers in it, got a lone BatchNo"):
        convert(nn.BatchNorm2d(4), "batch")


@pytest.mark.parametrize("method", ["instance", "positional"])
def test_methods_that_need_places_refuse_vectors(method):
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))
    with pytest.raises(ValueError, match=f"{method} needs activations with height and width; 1 no"):
        convert(net, method)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*")
def test_a_model_that_cannot_be_copied_is_refused_in_words():
    net = nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 6)), nn.BatchNorm1d(6))
    net(torch.randn(4, 4))  # the hook has computed a weight, which is no leaf
    with pytest.raises(ValueError, match="Sequential cannot be copied: "):
        convert(net, "batch")


def test_layers_that_kept_no_averages_are_named():
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, track_running_stats=False))
    with pytest.warns(UserWarning, match="evaluate by their batch: 1; converted they evaluate by"):
        convert(net, "batch")
