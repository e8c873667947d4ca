"""The networks of torchvision: all are there, and their cards know them without torch."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision import models

from bkn import Experiment
from bkn.catalog import ABSENT, DATASETS, NETWORKS
from bkn.catalog.torchvision_models import FAMILIES, MODELS
from bkn.nets.from_torchvision import build
from tests.nets.measure_torchvision import divisors, gmacs, hollow, millions, run, seen

KNOWN = {model.key: model for model in MODELS}
SMALL = {  # of each family the one that is built fastest
    "resnet": "resnet18", "wide_resnet": "wide_resnet50_2", "resnext": "resnext50_32x4d",
    "densenet": "densenet121", "googlenet": "googlenet", "inception": "inception_v3",
    "vgg": "vgg11_bn", "mobilenet_v2": "mobilenet_v2", "mobilenet_v3": "mobilenet_v3_small",
    "mnasnet": "mnasnet0_5", "efficientnet": "efficientnet_b0",
    "efficientnet_v2": "efficientnet_v2_s", "regnet_x": "regnet_x_400mf",
    "regnet_y": "regnet_y_400mf", "shufflenet_v2": "shufflenet_v2_x0_5",
}  # fmt: skip
one_of_each = pytest.mark.parametrize("key", SMALL.values())
every_model = pytest.mark.parametrize("key", KNOWN)
IMAGES = {  # of a folder of pictures an experiment knows only what was found there: here 99 of each
    key: {"dataset": key, "dataset_options": dict.fromkeys((one.name for one in card.found), 99)}
    for key, card in DATASETS.items()
}
both_stems = pytest.mark.parametrize("stem", ["small", "original"])


def first_layers(key, stem):
    """The first convolution, and what follows it before the second."""
    found = []
    for module in hollow(key, stem).modules():
        if isinstance(module, nn.Conv2d) and any(isinstance(m, nn.Conv2d) for m in found):
            return found
        if found or isinstance(module, nn.Conv2d):
            found.append(module)
    return found


def test_every_model_with_batch_norm_is_known_and_no_other():
    names = models.list_models(module=models)
    assert sorted(names) == sorted([*KNOWN, *ABSENT])
    assert set(SMALL) == set(FAMILIES) == {model.family for model in MODELS}


@pytest.mark.parametrize("name", ["alexnet", "convnext_tiny", "squeezenet1_0", "vgg11", "vit_b_16"])
def test_what_is_absent_has_no_batch_norm(name):
    with torch.device("meta"):
        model = models.get_model(name)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    with pytest.raises(ValueError, match=f"unknown network '{name}': .* has no BatchNorm layers"):
        Experiment(network=name)


def test_an_unknown_name_is_told_the_closest():
    with pytest.raises(ValueError, match="'resnet19'; closest: resnet18") as refused:
        Experiment(network="resnet19")
    assert len(str(refused.value)) < 200


def test_cards_are_made_without_torch():
    code = "import sys, bkn; bkn.networks(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@every_model
def test_the_figures_of_a_model(key):
    network, known = hollow(key), KNOWN[key]
    assert_close(millions(network), known.millions, atol=0.005, rtol=0)
    assert_close(gmacs(network), known.gmacs, atol=0.001, rtol=0)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == known.norms
    assert run(network).shape == (1, 10)


@both_stems
@one_of_each
def test_the_card_knows_what_the_norms_see(key, stem):
    card, options = NETWORKS[key], {"stem": stem}
    least = card.smallest(options)
    for shape in ((3, least, least + 1), (3, least + 31, least + 6)):
        assert divisors(card.layers(options, shape)) == divisors(seen(hollow(key, stem), shape))


@pytest.mark.parametrize("key", sorted(set(KNOWN) - set(SMALL.values())))
def test_the_larger_members_of_a_family_shrink_pictures_alike(key):
    shape = (3, 93, 65)
    found = divisors(NETWORKS[key].layers({"stem": "small"}, shape))
    assert found == divisors(seen(hollow(key), shape))


@both_stems
@one_of_each
def test_a_picture_that_is_too_small_is_refused_and_only_that(key, stem):
    least, network = NETWORKS[key].smallest({"stem": stem}), hollow(key, stem)
    run(network, (3, least, least))
    if least > 1:
        with pytest.raises(RuntimeError):
            run(network, (3, least, least - 1))


@one_of_each
@both_stems
@pytest.mark.parametrize("dataset", IMAGES)
def test_an_experiment_is_refused_in_words_or_runs(key, stem, dataset):
    images = IMAGES[dataset]
    card, shape = NETWORKS[key], DATASETS[dataset].of(images["dataset_options"]).shape
    least = card.smallest({"stem": stem})
    given = {"network": key, "network_options": {"stem": stem}, **images}
    if shape[1] < least:
        words = f"'{key}' with stem '{stem}' needs pictures of at least {least}x{least}; .*"
        with pytest.raises(ValueError, match=f"{words}have {shape[1]}x{shape[2]}"):
            Experiment(**given)
        return
    Experiment(**given)
    run(hollow(key, stem), (3, *shape[1:]))
    places = [places for _, places in card.layers({"stem": stem}, shape)]
    if min(places) == 1:
        with pytest.raises(ValueError, match="micro_batch must be at least 2"):
            Experiment(**given, micro_batch=1)


@one_of_each
def test_the_small_stem_keeps_the_size_of_the_picture(key):
    convolution, *behind = first_layers(key, "small")
    assert convolution.stride == (1, 1)
    assert convolution.kernel_size == (3, 3)
    assert convolution.padding == (1, 1)
    if SMALL["vgg"] != key:
        assert not any(isinstance(module, nn.MaxPool2d) for module in behind)


def test_the_original_stem_is_that_of_torchvision():
    for key in ("resnet18", "googlenet"):
        convolution, *behind = first_layers(key, "original")
        assert (convolution.kernel_size, convolution.stride) == ((7, 7), (2, 2))
        assert any(isinstance(module, nn.MaxPool2d) for module in behind)
    torch.manual_seed(3)
    ours = build("resnet18", 3, (32, 32), 10, "original")
    torch.manual_seed(3)
    theirs = models.resnet18(num_classes=10)
    assert_close(ours.state_dict(), theirs.state_dict(), atol=0, rtol=0)


def test_what_is_not_the_stem_keeps_the_weights_of_torchvision():
    """At one seed: the stem is drawn behind all else."""
    torch.manual_seed(3)
    ours = build("mobilenet_v3_small", 1, (8, 8), 10).state_dict()
    torch.manual_seed(3)
    theirs = models.mobilenet_v3_small(num_classes=10).state_dict()
    assert list(ours) == list(theirs)
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert different == ["features.0.0.weight"]


def test_vgg_has_a_small_stem_already():
    assert str(hollow("vgg11_bn", "small")) == str(hollow("vgg11_bn", "original"))


def test_the_redrawn_convolution_has_the_variance_of_he():
    torch.manual_seed(0)
    weight = build("resnet18", 1, (8, 8), 10).conv1.weight
    assert weight.shape == (64, 1, 3, 3)
    assert_close(weight.var().item(), 2 / (64 * 9), rtol=0.2, atol=0)


@pytest.mark.parametrize("key", ["googlenet", "inception_v3"])
def test_auxiliary_classifiers_are_left_out(key):
    network = build(key, 3, (32, 32), 10)
    assert not any("aux" in name.lower() for name, _ in network.named_parameters())
    assert network.train()(torch.randn(2, 3, 75, 75)).shape == (2, 10)


@one_of_each
def test_running_averages_follow_within_a_short_training(key):
    """MNASNet's own momentum, 0.0003, would leave them where they start."""
    norms = [m for m in hollow(key).modules() if isinstance(m, nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.1}


def test_weights_follow_the_seed():
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(copy.deepcopy(build("shufflenet_v2_x0_5", 1, (8, 8), 10).conv1[0].weight))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize("name", ["resnet17", "vit_b_17", "_private"])
def test_only_what_torchvision_has_can_be_loaded(name):
    with pytest.raises(AttributeError, match=name):
        getattr(sys.modules[build.__module__], name)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_words_of_a_card(model):
    card = NETWORKS[model.key]
    assert card.origin == f"torchvision, {model.millions:.1f} M"
    assert "nothing is downloaded" in card.idea
    assert card.effort.startswith("Slow on a CPU: ")
    assert ("GB" in card.effort) == (model.millions * 12 >= 1000)
    (stem,) = card.params
    assert stem.choices == ("small", "original")
    assert stem.default == "small"
