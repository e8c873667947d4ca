"""A network told its images' domains, and the mixture for images of none."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision.models import resnet18

import bkn
from bkn.normalizers.belief import Belief
from bkn.normalizers.domain import DomainNorm, distance
from bkn.normalizers.domain_network import DomainNetwork, mixture, nearness
from bkn.normalizers.kernels import group_moments
from bkn.surgery.convert import norm_layers

NETWORKS = {
    "convnet": lambda: bkn.networks()["convnet"].load()(3, (8, 8), 10, depth=4, width=4),
    "resnet": lambda: bkn.networks()["resnet"].load()(3, (8, 8), 10, n=1, width=4),
    "resnet18": lambda: resnet18(num_classes=10),
}
IDS = torch.tensor([0, 2, 0, 1, 2, 2, 1, 1, 0, 0, 1, 2])


def pictures(count=12, size=8, seed=0):
    x = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))
    return x * (1 + IDS[:count, None, None, None]) + IDS[:count, None, None, None]


def converted(kind="convnet", domains=3, **options):
    torch.manual_seed(0)
    return bkn.convert(NETWORKS[kind](), "domain", micro_batch=6, domains=domains, **options)


def trained(steps=15, **options):
    model = converted(**options)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(steps):
        loss = nn.functional.cross_entropy(model(pictures(seed=step), IDS), IDS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@pytest.mark.parametrize("scales", ["shared", "own"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_it_takes_the_place_of_batch_norm_trains_and_is_copied(kind, scales):
    size = 64 if kind == "resnet18" else 8
    original = NETWORKS[kind]()
    places = sum(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in original.modules())
    model = converted(kind, scales=scales).train()
    assert isinstance(model, DomainNetwork)
    assert len(norm_layers(model)) == places == len(model.norms)
    x = pictures(size=size)
    nn.functional.cross_entropy(model(x, IDS), IDS).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    twin = copy.deepcopy(model)
    assert twin.norms[0] is not model.norms[0]
    fresh = converted(kind, scales=scales).train()
    fresh.load_state_dict(model.state_dict())
    outputs = [(one.train()(x, IDS), one.eval()(x, IDS)) for one in (model, twin, fresh)]
    for in_training, in_evaluation in outputs[1:]:
        assert torch.equal(in_training, outputs[0][0])
        assert torch.equal(in_evaluation, outputs[0][1])


@pytest.mark.parametrize("scales", ["shared", "own"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_one_domain_is_the_network_with_batch_norm(kind, scales):
    torch.manual_seed(0)
    original = NETWORKS[kind]()
    ours = bkn.convert(original, "domain", micro_batch=6, scales=scales)
    theirs = bkn.convert(original, "batch", micro_batch=6)
    x = pictures(size=64 if kind == "resnet18" else 8)
    for ids in (None, torch.zeros(12, dtype=torch.long)):
        assert torch.equal(ours.train()(x, ids), theirs.train()(x))
        assert torch.equal(ours.eval()(x, ids), theirs.eval()(x))


def test_what_the_replaced_layers_stored_is_taken_over_by_all_domains():
    original = NETWORKS["convnet"]()
    for step in range(3):
        original(pictures(seed=step))
    original.eval()
    x = pictures(seed=9)
    for scales in ("shared", "own"):
        model = bkn.convert(original, "domain", domains=3, scales=scales)
        for domain in range(3):
            assert_close(model(x, torch.full((12,), domain)), original(x))


def test_nothing_stays_behind_after_a_pass_even_if_it_fails():
    model = converted()
    with pytest.raises(RuntimeError):
        model(torch.zeros(12, 1, 8, 8), IDS)
    assert all(norm.ids is None and norm.distances is None for norm in model.norms)
    model(pictures(), IDS)
    model.eval()(pictures())
    assert all(norm.ids is None and norm.distances is None for norm in model.norms)
    assert not {"ids", "distances"} & {name.rpartition(".")[2] for name in model.state_dict()}


@pytest.mark.parametrize(
    ("training", "ids", "words"),
    [
        (True, IDS + 1, r"domain must lie in \[0, 2\], got 3"),
        (True, IDS - 1, r"domain must lie in \[0, 2\], got -1"),
        (False, IDS + 1, r"domain must lie in \[0, 2\], or -1 for an unseen one, got 3"),
        (False, IDS - 2, "or -1 for an unseen one, got -2"),
        (False, IDS[:3], r"a row of 12 whole numbers, one per image, got int64 of shape \(3,\)"),
        (False, IDS.float(), "whole numbers, one per image, got float32"),
        (False, [0, 1], r"a tensor of 12 whole numbers, one per image, got \[0, 1\]"),
        (True, 2, "a tensor of 12 whole numbers, one per image, got 2"),
    ],
)
def test_wrong_domains_are_refused_in_words(training, ids, words):
    with pytest.raises(ValueError, match=words):
        converted().train(training)(pictures(), ids)


def test_weights_of_domains_fall_with_distance_and_follow_their_order():
    distances = torch.tensor([[1.0, 0.0], [3.0, 2.0], [6.0, 5.0]])
    weights = nearness(distances)
    assert_close(weights.sum(0), torch.ones(2))
    assert_close(weights[:, 0], torch.tensor([6.0, 2.0, 1.0]) / 9)
    assert weights[0, 1] > 0.999  # met exactly
    order = [2, 0, 1]
    assert torch.equal(nearness(distances[order]), weights[order])


def test_the_mixture_is_that_of_probabilities():
    logits = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    weights = nearness(torch.rand(3, 4, generator=torch.Generator().manual_seed(1)))
    mixed = mixture(logits, weights).exp()
    assert_close(mixed, (logits.softmax(-1) * weights.unsqueeze(-1)).sum(0))
    assert_close(mixed.sum(-1), torch.ones(4))


@pytest.mark.parametrize("unseen", ["embedding", "average"])
def test_an_unseen_image_is_judged_by_all_domains(unseen):
    model, x = trained(unseen=unseen), pictures(seed=50)
    predictions, distances = [], []
    for domain in range(3):
        inputs = []
        hooks = [
            norm.register_forward_pre_hook(
                lambda norm, args, kept=inputs: kept.append((norm, args))
            )
            for norm in model.norms
        ]
        predictions.append(model(x, torch.full((12,), domain)).softmax(1))
        far = torch.zeros(12)
        for norm, (seen, *_) in inputs:
            stored = Belief(norm.running_mean[domain], norm.running_var[domain])
            far += distance(Belief(*group_moments(seen, 12)), stored, values=seen[0, 0].numel())
        distances.append(far)
        for hook in hooks:
            hook.remove()
    near = 1 / (torch.stack(distances) + 1e-8)
    weights = near / near.sum(0) if unseen == "embedding" else torch.full((3, 12), 1 / 3)
    assert_close(model.weights(x), weights)
    expected = (torch.stack(predictions) * weights.unsqueeze(-1)).sum(0)
    assert_close(model(x).exp(), expected)
    assert torch.equal(model(x), model(x, torch.full((12,), -1)))


@torch.no_grad()
def test_an_image_with_exactly_the_statistics_of_a_domain_is_that_domains():
    model = converted()
    x = pictures()[:1]

    def remember(norm, args, domain=1):
        mean, var = group_moments(args[0], 1)
        norm.running_mean[domain], norm.running_var[domain] = mean[0], var[0]
        norm.num_batches_tracked += 1

    hooks = [norm.register_forward_pre_hook(remember) for norm in model.norms]
    model.eval()(x, torch.tensor([1]))  # layer by layer, as each has the one's below in force
    for hook in hooks:
        hook.remove()
    assert model.weights(x)[1].item() > 0.99


def test_unseen_images_near_a_domain_are_given_to_it():
    model = trained()
    weights = model.weights(pictures(seed=60))
    assert (weights.argmax(0) == IDS).float().mean() > 0.7


def test_known_and_unseen_images_may_share_a_batch():
    model, x = trained(), pictures(seed=70)
    ids = IDS.clone()
    ids[[2, 5]] = -1
    logits = model(x, ids)
    assert_close(logits[[2, 5]], model(x[[2, 5]]))
    known = [0, 1, 3, 4, *range(6, 12)]
    assert_close(logits[known], model(x, IDS)[known])


def test_the_order_of_domains_does_not_matter():
    model, x, order = trained(), pictures(seed=80), [2, 0, 1]
    other = copy.deepcopy(model)
    for norm in other.norms:
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            setattr(norm, name, getattr(norm, name)[order])
    assert_close(other.weights(x), model.weights(x)[order])
    assert_close(other(x), model(x))


def test_domains_that_training_never_met_do_not_judge():
    model = converted(domains=3).train()
    for step in range(3):
        model(pictures(seed=step), IDS.clamp(max=1))
    weights = model.eval().weights(pictures())
    assert weights[2].max() == 0
    assert_close(weights.sum(0), torch.ones(12))
    assert model(pictures()).isfinite().all()


def test_without_domains_training_is_of_the_first_one():
    model = converted().train()
    model(pictures())
    assert [norm.num_batches_tracked.tolist() for norm in model.norms] == [[1, 0, 0]] * 4
    assert all(isinstance(norm, DomainNorm) for norm in norm_layers(model).values())
