"""What cannot work on a network is refused when the experiment is described."""

import pytest
import torch
from torch import nn

from bkn import Experiment
from bkn.catalog import DATASETS, NETWORKS

CASES = [
    ("convnet", {"depth": 12, "width": 4}),
    ("convnet", {"depth": 5}),
    ("resnet", {"n": 2}),
    ("resnet", {"n": 1, "width": 6}),
    ("mlp", {"depth": 2}),
    ("binary_convnet", {"depth": 7, "width": 8}),
]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize(("key", "options"), CASES)
def test_the_card_knows_what_the_norms_see(dataset, key, options):
    card, shape = NETWORKS[key], DATASETS[dataset].shape
    complete = card.complete(options)
    network = card.load()(shape[0], shape[1:], 10, **complete).eval()
    seen = []
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.register_forward_pre_hook(
                lambda _, args: seen.append((args[0].shape[1], args[0].shape[2:].numel()))
            )
    network(torch.zeros(1, *shape))
    assert card.layers(complete, shape) == tuple(seen)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"method": "group", "options": {"groups": 3}},
         "group option groups must divide the channels of every layer of network 'convnet', got 3; "
         "allowed: 1, 2, 4, 8, 16"),
        ({"method": "proxy", "network_options": {"width": 6}}, "allowed: 1, 2, 3, 6"),
        ({"method": "batch_group", "options": {"groups": 7}}, "must divide the values of every"),
        ({"method": "group_kalman", "network": "mlp", "network_options": {"width": 5}}, "got 4"),
        ({"method": "instance", "network_options": {"depth": 12}}, "a single place in its deepest"),
        ({"method": "positional", "network": "mlp"}, "network 'mlp' has vectors only"),
        ({"method": "batch", "network_options": {"depth": 12}, "micro_batch": 1},
         "a single value has no variance; got 1"),
        ({"method": "evonorm_s0", "network": "binary_convnet"}, "an activation behind them"),
        ({"method": "domain", "options": {"domains": 2}, "dataset": "shapes",
          "dataset_options": {"styles": "four", "held_out": "negative"}},
         "domain option domains must be at least 3, the domains of dataset 'shapes' with "
         r"difficulty=0.5, styles=four, held_out=negative \(filled, outline, sketch\), got 2"),
        ({"method": "batch_renorm", "options": {"start": 0.9}},
         "batch_renorm option rmax_by must be at least option start, "
         r"got rmax_by=0.8 \(the default\) and start=0.9"),
        ({"method": "batch_renorm", "options": {"dmax_by": 0.05}},
         r"option dmax_by must .* got dmax_by=0.05 and start=0.1 \(the default\)"),
    ],
)  # fmt: skip
def test_a_misfit_is_refused_in_words(given, words):
    with pytest.raises(ValueError, match=words):
        Experiment(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"method": "batch_group", "options": {"groups": 256}},  # cuts through places, but fits
        {"method": "batch_group", "network": "mlp", "micro_batch": 1},  # one group of all units
        {"method": "group", "options": {"groups": 16}},
        {"method": "batch_renorm", "options": {"start": 0.5}},  # dmax at once
        {"method": "domain", "options": {"domains": 3}, "dataset": "shapes",
         "dataset_options": {"styles": "four"}},
        {"method": "domain", "options": {"domains": 1}},
    ],
)  # fmt: skip
def test_what_fits_is_let_through(given):
    Experiment(**given)
