"""Profiles, agreement, loss along the gradient, tails, noise: by hand and against slow twins."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bkn.diagnostics.agreement import agreement, sign_agreement, weight_layers
from bkn.diagnostics.along import SIZES, loss_along_gradient
from bkn.diagnostics.noise import gradient_noise
from bkn.diagnostics.outputs import output_gradient
from bkn.diagnostics.profile import depth_profile, places, spread
from bkn.diagnostics.subject import Subject
from bkn.diagnostics.tails import EDGES, gradient_tails, tails
from tests.diagnostics.nets import random_batch, random_dense, trained


def by_hand(subject):
    """Loss, and gradients by name, of a copy in training mode."""
    import copy

    model = copy.deepcopy(subject.model).train()
    loss = F.cross_entropy(model(subject.x, *subject.told), subject.y)
    loss.backward()
    return loss.item(), {name: p.grad for name, p in model.named_parameters()}


# Depth profile


def test_moments_by_channel_in_numpy():
    x = 2 * torch.randn(6, 3, 4, 5, dtype=torch.float64) + torch.arange(3.0).view(3, 1, 1)
    mean, var = x.numpy().mean((0, 2, 3)), x.numpy().var((0, 2, 3))
    assert spread(x) == pytest.approx(
        {"mean": mean.mean(), "mean_spread": mean.std(), "var": var.mean(),
         "var_spread": var.std()}
    )  # fmt: skip
    assert spread(x[:, :, 0, 0])["var"] == pytest.approx(x[:, :, 0, 0].numpy().var(0).mean())


def test_behind_batch_norm_channels_are_standardized_and_before_it_they_are_not():
    entrant, subject = trained("batch", batch=16, micro_batch=16, steps=0)
    rows = depth_profile(subject)
    assert [row["layer"] for row in rows] == list(entrant.norms)
    for row in rows:
        assert row["output"]["mean"] == pytest.approx(0, abs=1e-5)
        assert row["output"]["var"] == pytest.approx(1, rel=1e-3)
        assert row["input"]["var_spread"] > 0.1


def test_without_normalization_the_profile_is_that_of_the_identity():
    _, subject = trained("none", steps=0)
    assert all(row["input"] == row["output"] for row in depth_profile(subject))


def test_the_gradient_is_that_by_the_output_of_the_norm_even_if_relu_overwrites_it():
    model = nn.Sequential(
        nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.Linear(4, 3)
    )
    x, y = random_batch(8, 5, classes=3)
    (row,) = depth_profile(Subject(model, x, y))
    normalized = model[1](model[0](x)).detach().requires_grad_()
    F.cross_entropy(model[3](normalized.relu()), y).backward()
    assert row["gradient_norm"] == pytest.approx(normalized.grad.norm().item(), rel=1e-5)
    assert row["gradient_rms"] == pytest.approx(normalized.grad.square().mean().sqrt().item())
    assert row["output"] == pytest.approx(spread(normalized.detach()), rel=1e-5, abs=1e-7)


def test_plain_networks_are_looked_at_at_their_batch_norms():
    assert list(places(random_dense([4, 5, 6, 3], gamma=1.0))) == ["1", "4"]
    assert places(random_dense([4, 5, 3])) == {}


# Sign agreement


def unfolded(layer, x, g):
    """A, B and the number of terms with every product d laid out."""
    patches = F.unfold(x, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    n, _, count = patches.shape
    split = layer.groups
    d = torch.einsum(
        "nsol,nskl->nlsok",
        g.view(n, split, -1, count),
        patches.view(n, split, -1, count),
    ).flatten(0, 1)
    return d.sum(0).abs().mean().item(), d.abs().sum(0).mean().item(), len(d)


@pytest.mark.parametrize(
    "settings",
    [{"padding": 1}, {"stride": 2}, {"groups": 2, "padding": 1}, {"dilation": 2, "padding": 2}],
)
def test_agreement_equals_its_unfolded_twin(settings):
    layer = nn.Conv2d(4, 6, 3, **settings).double()
    x = torch.randn(5, 4, 7, 7, dtype=torch.float64)
    g = torch.randn_like(layer(x))
    found = agreement(layer, [(x, g)])
    a, b, terms = unfolded(layer, x, g)
    assert found == pytest.approx({"summed": a, "absolute": b, "ratio": b / a, "terms": terms})


def test_parts_of_one_sign_agree_entirely():
    layer = nn.Conv2d(2, 3, 1)
    found = agreement(layer, [(torch.rand(4, 2, 5, 5), -torch.rand(4, 3, 5, 5))])
    assert found["ratio"] == pytest.approx(1.0)
    assert found["terms"] == 100


@pytest.mark.parametrize("images", [100, 2500])
def test_random_signs_cancel_like_the_root_of_their_number(images):
    layer, generator = nn.Linear(40, 40), torch.Generator().manual_seed(images)
    signs = [torch.randint(0, 2, (images, 40), generator=generator) * 2.0 - 1 for _ in range(2)]
    found = agreement(layer, [(signs[0], signs[1])])
    # the mean of |sum| of n random signs is sqrt(2 n / pi)
    assert found["ratio"] == pytest.approx(math.sqrt(math.pi * images / 2), rel=0.05)


@pytest.mark.parametrize("method", ["batch", "group"])
def test_what_is_left_of_the_parts_is_the_gradient(method):
    _, subject = trained(method)
    gradients = by_hand(subject)[1]
    rows = sign_agreement(subject)
    assert [row["layer"] for row in rows] == [f"layer{i}.conv" for i in (1, 2, 3, 4)] + ["classify"]
    for row in rows:
        expected = gradients[f"{row['layer']}.weight"].abs().mean().item()
        assert row["summed"] == pytest.approx(expected, rel=1e-4)
        assert row["ratio"] > 1
    assert rows[0]["terms"] == 16 * 8 * 8


def test_a_layer_used_twice_adds_up_before_it_is_judged():
    layer = nn.Linear(3, 2)
    x, g = torch.randn(4, 3), torch.randn(4, 2)
    once, twice = agreement(layer, [(x, g)]), agreement(layer, [(x, g), (x, -g)])
    assert twice["absolute"] == pytest.approx(2 * once["absolute"])
    assert twice["summed"] == pytest.approx(0, abs=1e-12)
    assert twice["ratio"] > 1e6


def test_layers_that_multiply_otherwise_are_left_out():
    from bkn.nets.binary import BinaryConv2d

    model = nn.Sequential(BinaryConv2d(2, 2, 1), nn.Conv2d(2, 2, 1))
    assert list(weight_layers(model)) == ["1"]


# Loss along the gradient


def test_no_step_changes_nothing_and_others_are_those_of_sgd():
    import copy

    _, subject = trained("batch")
    found = loss_along_gradient(subject, (0.0, 0.05, 1.0))
    assert found["ratio"][0] == 1.0
    loss, gradients = by_hand(subject)
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    for size, ratio in zip(found["sizes"][1:], found["ratio"][1:], strict=True):
        moved = copy.deepcopy(subject.model).train()
        with torch.no_grad():
            for name, p in moved.named_parameters():
                p -= size * gradients[name]
            after = F.cross_entropy(moved(subject.x), subject.y).item()
        assert ratio == pytest.approx(after / loss, rel=1e-4)
    assert found["ratio"][1] < 1


def test_where_nothing_is_left_to_lose_there_is_no_ratio():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.copy_(torch.tensor([200.0, 0.0]))
    found = loss_along_gradient(Subject(model, torch.ones(3, 4), torch.zeros(3).long()), (1.0,))
    assert found["loss"] == 0
    assert math.isnan(found["ratio"][0])


def test_sizes_are_even_on_a_logarithmic_scale():
    assert (SIZES[0], SIZES[-1]) == (1e-4, 100)
    np.testing.assert_allclose(np.diff(np.log10(SIZES)), 1 / 2, atol=0.002)


# Tails


def test_tails_of_a_gaussian():
    found = tails(3 * torch.randn(400_000, generator=torch.Generator().manual_seed(0)))
    assert found["rms"] == pytest.approx(3, rel=0.01)
    assert found["kurtosis"] == pytest.approx(3, rel=0.03)
    assert found["tail"] == pytest.approx(3.2905 / 0.6745, rel=0.03)
    assert sum(found["histogram"]) == pytest.approx(1)
    middle = found["histogram"][len(EDGES) // 2 - 1]
    width = EDGES[1] - EDGES[0]
    assert middle == pytest.approx(width / math.sqrt(2 * math.pi), rel=0.03)


def test_tails_are_heavy_where_few_entries_are_large():
    values = torch.ones(10_000)
    values[::2] *= -1
    assert tails(values)["kurtosis"] == pytest.approx(1.0)
    values[:100] *= 50
    found = tails(values)
    assert found["kurtosis"] > 50
    assert found["tail"] == pytest.approx(50)
    assert found["histogram"][0] + found["histogram"][-1] == pytest.approx(0.01)


def test_a_gradient_of_nothing_has_no_shape():
    found = tails(torch.zeros(10))
    assert found["rms"] == 0
    assert math.isnan(found["kurtosis"])
    assert math.isinf(found["tail"])
    assert all(math.isnan(share) for share in found["histogram"])


@pytest.mark.parametrize("method", ["batch", "norm_free"])  # one rewrites its weights
def test_tails_have_a_row_per_weight(method):
    rows = gradient_tails(trained(method)[1])
    assert [row["layer"] for row in rows] == [f"layer{i}.conv" for i in (1, 2, 3, 4)] + ["classify"]
    assert all(row["rms"] > 0 and row["kurtosis"] >= 1 for row in rows)


# Output gradient


def test_one_class_is_pushed_by_a_network_that_sees_nothing():
    model = nn.Linear(3, 4)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.copy_(torch.tensor([0.0, 9.0, 0.0, 0.0]))
    found = output_gradient(Subject(model, torch.randn(6, 3), torch.tensor([0, 0, 2, 2, 3, 3])))
    assert found["class"] == 1
    assert found["share"] == pytest.approx(0.5, abs=0.001)  # the others share the other half
    assert found["even"] == 0.25


# Noise


def test_noise_is_the_variance_between_the_gradients_of_micro_batches():
    _, subject = trained("batch", batch=16, micro_batch=4)
    found = gradient_noise(subject, 4)
    gradients = []
    for part in range(4):
        alone = slice(4 * part, 4 * part + 4)  # ghost batch norm: each is a batch of its own
        one = by_hand(Subject(subject.model, subject.x[alone], subject.y[alone]))[1]
        gradients.append(torch.cat([g.flatten() for g in one.values()]).double())
    rows = torch.stack(gradients)
    assert found["looked_at"] == 4
    assert found["variance"] == pytest.approx(rows.var(0).sum().item(), rel=1e-4)
    assert found["per_image"] == pytest.approx(4 * found["variance"])
    assert found["of_step"] == pytest.approx(found["variance"] / 4)
    assert found["squared"] == pytest.approx(rows.mean(0).square().sum().item(), rel=1e-4)


def test_of_many_micro_batches_some_are_looked_at_and_of_one_none():
    _, subject = trained("group", batch=16, micro_batch=1)
    some, all_of_them = (gradient_noise(subject, 1, most=most) for most in (5, 99))
    assert (some["looked_at"], all_of_them["looked_at"]) == (5, 16)
    assert some["squared"] == all_of_them["squared"]
    for found in (some, all_of_them):
        assert found["of_step"] == pytest.approx(found["variance"] / 16)
    only = gradient_noise(subject, 16)
    assert math.isnan(only["variance"])
    assert math.isnan(only["of_step"])
