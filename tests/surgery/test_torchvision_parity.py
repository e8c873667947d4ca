"""Every family of torchvision: at gain 1 the original, and a prior wherever there can be one."""

import warnings
from functools import cache

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision import models

from bkn.surgery.convert import convert, norm_layers
from bkn.surgery.network import normalizers
from tests.surgery.small_torchvision import FAMILIES, small

BY_NAME = (
    "resnet18", "resnet50", "wide_resnet50_2", "resnext50_32x4d", "densenet121",
    "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0",
    "efficientnet_v2_s", "regnet_x_400mf", "regnet_y_400mf", "shufflenet_v2_x1_0", "vgg11_bn",
    "googlenet", "inception_v3", "mnasnet0_5", "mnasnet1_0",
)  # fmt: skip

every_family = pytest.mark.parametrize("family", FAMILIES)


def step(model, x):
    """Outputs and the gradients of input and parameters, with the same drops in every model."""
    torch.manual_seed(3)
    x = x.clone().requires_grad_()
    y = model(x)
    outputs = [y] if isinstance(y, torch.Tensor) else list(y)
    slopes = (torch.linspace(-1, 1, one.numel()).view(one.shape) for one in outputs)
    sum((one * slope).sum() for one, slope in zip(outputs, slopes, strict=True)).backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    return outputs, {"input": x.grad, **gradients}


@every_family
def test_full_gain_is_the_original(family):
    """Gradients against the largest of the model: those of biases in front of a norm are 0."""
    model, x = small(family)
    model, x = model.double(), x.double()
    converted = convert(model, "kalman", gain=1.0)
    (ours, our_gradients), (theirs, their_gradients) = step(converted, x), step(model, x)
    assert_close(ours, theirs, atol=1e-9, rtol=1e-9)
    largest = max(float(one.abs().max()) for one in their_gradients.values())
    assert_close(our_gradients, their_gradients, atol=1e-7 * largest, rtol=0)
    state = model.state_dict()
    assert converted.state_dict().keys() == state.keys()
    assert_close(converted.state_dict(), state, atol=1e-9, rtol=1e-9)
    with torch.no_grad():
        assert_close(converted.eval()(x), model.eval()(x), atol=1e-9, rtol=1e-9)


def unpredicted(model):
    """The normalizers that the converted model calls without a prior."""
    return [
        str(node.target)
        for node in model.graph.nodes
        if node.op == "call_module"
        and node.target in dict(normalizers(model))
        and len(node.args) < 2
    ]


@cache
def by_name(name):
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    # Without numbers, where the model can be made so; RegNet computes its widths by tensors.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        return models.get_model(name, weights=None, **options)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_norm_but_the_first_has_a_prior_and_nothing_is_lost(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = convert(by_name(name), "kalman", micro_batch=2)
    first, *_ = norm_layers(model)
    assert [path.removesuffix(".norm") for path in unpredicted(model)] == [first]


def priors_of(model, x):
    """The priors that normalizers are called with, in three steps of training."""
    seen = {}
    for label, norm in norm_layers(model).items():
        norm.register_forward_pre_hook(
            lambda module, args, label=label: seen.update({label: (*args, None)[1]})
        )
    learner = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        learner.zero_grad()
        y = model(x)
        (y if isinstance(y, torch.Tensor) else y[0]).square().mean().backward()
        learner.step()
    return list(seen.values())


SPECIAL = ["mobilenet_v3", "efficientnet", "regnet_y", "shufflenet_v2"]  # products, shuffles


@pytest.mark.parametrize(
    ("family", "transition"),
    [*((one, "moments") for one in FAMILIES), *((one, "normalized") for one in SPECIAL)],
)
def test_priors_stay_finite_while_training(family, transition):
    model, x = small(family)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = convert(model, "kalman", micro_batch=2, gain=0.3, transition=transition)
        first, *others = priors_of(model, x)
    assert first is None
    for prior in others:
        assert prior.mean.isfinite().all()
        assert prior.var.isfinite().all()
        assert (prior.var >= 0).all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("family", SPECIAL)
def test_images_go_through_products_and_shuffles(family):
    model, x = small(family)
    model = convert(model, "kalman", micro_batch=2, gain=0.3, transition="sampled")
    first, *others = priors_of(model, nn.functional.interpolate(x, 64))
    assert first is None
    assert all(prior is not None and prior.mean.isfinite().all() for prior in others)


@pytest.mark.parametrize("transition", ["moments", "normalized"])
def test_nothing_is_drawn_for_a_prior(transition):
    """Drops of the model itself are: the same number, with and without beliefs."""
    model, x = small("efficientnet")
    states = []
    for one in (model, convert(model, "kalman", micro_batch=2, transition=transition)):
        torch.manual_seed(0)
        one(x)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)
