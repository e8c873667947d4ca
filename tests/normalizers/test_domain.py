"""Statistics per domain against a slow twin, and batch norm where there is one domain."""

import copy

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from bkn.normalizers.belief import Belief
from bkn.normalizers.build import build_norm
from bkn.normalizers.domain import distance

SHAPES = {"vectors": (12, 5), "1d": (12, 5, 4), "maps": (12, 5, 3, 2), "volumes": (12, 5, 2, 1, 2)}
IDS = torch.tensor([0, 2, 0, 1, 2, 2, 1, 1, 0, 0, 0, 0])  # micro-batches of 6


def make(domains=3, micro_batch=6, **options):
    norm = build_norm("domain", 5, micro_batch=micro_batch, domains=domains, **options)
    torch.manual_seed(1)
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter)
    return norm.double()


def make_x(shape=SHAPES["maps"], seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


def told(norm, x, ids):
    norm.ids = ids
    try:
        return norm(x)[0]
    finally:
        norm.ids = None


def twin(norm, x, ids, m):
    """Result and new running moments, cell by cell and channel by channel, in NumPy."""
    x = x.detach().numpy()
    y, channels = np.empty_like(x), x.shape[1]
    mean, var = norm.running_mean.clone().numpy(), norm.running_var.clone().numpy()
    weight, bias = (p.detach().numpy() for p in (norm.weight, norm.bias))
    for d in range(norm.domains):
        gamma, beta = (weight, bias) if weight.ndim == 1 else (weight[d], bias[d])
        for c in range(channels):
            seen = []  # images, mean, unbiased variance of every cell that tells a variance
            for start in range(0, len(x), m):
                own = [n for n in range(start, start + m) if ids[n] == d]
                if not own:
                    continue
                values = x[own, c].ravel()
                if len(values) > 1:
                    seen.append((len(own), values.mean(), values.var(ddof=1)))
                else:
                    values = x[start : start + m, c].ravel()
                s, v = values.mean(), values.var()
                y[own, c] = gamma[c] * (x[own, c] - s) / np.sqrt(v + norm.eps) + beta[c]
            if seen:
                images = sum(n for n, _, _ in seen)
                mean[d, c] += 0.1 * (sum(n * s for n, s, _ in seen) / images - mean[d, c])
                var[d, c] += 0.1 * (sum(n * v for n, _, v in seen) / images - var[d, c])
    return torch.tensor(y), torch.tensor(mean), torch.tensor(var)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("scales", ["shared", "own"])
def test_a_mixed_batch_equals_its_slow_twin(shape, scales):
    norm, x = make(scales=scales), make_x(shape)
    expected, mean, var = twin(norm, x, IDS, 6)
    assert_close(told(norm, x, IDS), expected)
    assert_close(norm.running_mean, mean)
    assert_close(norm.running_var, var)
    assert norm.num_batches_tracked.tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("scales", ["shared", "own"])
def test_the_gradient_is_exact(shape, scales):
    norm, x = make(scales=scales), make_x(shape).requires_grad_()
    stored = copy.deepcopy(norm.state_dict())

    def result(*_):
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            getattr(norm, name).copy_(stored[name])
        return told(norm, x, IDS)

    assert torch.autograd.gradcheck(result, (x, *norm.parameters()))


@pytest.mark.parametrize("scales", ["shared", "own"])
@pytest.mark.parametrize("micro_batch", [2, 12])
def test_one_domain_is_batch_norm_bit_by_bit(scales, micro_batch):
    ours = build_norm("domain", 5, micro_batch=micro_batch, scales=scales)
    theirs = build_norm("batch", 5, micro_batch=micro_batch)
    for step in range(3):
        x = make_x(seed=step).float()
        inputs = [x.clone().requires_grad_() for _ in range(2)]
        ids = None if step == 0 else torch.zeros(12, dtype=torch.long)
        results = told(ours, inputs[0], ids), theirs(inputs[1])[0]
        for y in results:
            (y * x).sum().backward()
        assert torch.equal(*results)
        assert torch.equal(inputs[0].grad, inputs[1].grad)
    assert torch.equal(ours.running_mean[0], theirs.running_mean)
    assert torch.equal(ours.running_var[0], theirs.running_var)
    assert torch.equal(ours.eval()(x)[0], theirs.eval()(x)[0])


def test_images_of_a_single_domain_among_several_are_batch_norm():
    """The way of mixed batches, with nothing to mix."""
    ours, theirs = make(domains=2), build_norm("batch", 5, micro_batch=6).double()
    theirs.load_state_dict(
        {k: v if v.shape == (5,) and k in ("weight", "bias") else v[1]
         for k, v in ours.state_dict().items()}
    )  # fmt: skip
    x = make_x()
    assert_close(told(ours, x, torch.ones(12, dtype=torch.long)), theirs(x)[0])
    assert_close(ours.running_mean[1], theirs.running_mean)
    assert_close(ours.running_var[1], theirs.running_var)


def test_a_mixed_batch_equals_batches_of_one_domain_each():
    x, ids = make_x(), IDS
    mixed, single = make(micro_batch=12), make(micro_batch=None)
    y = told(mixed, x, ids)
    for domain in range(3):
        assert_close(told(single, x[ids == domain], domain), y[ids == domain])
    assert_close(mixed.running_mean, single.running_mean)
    assert_close(mixed.running_var, single.running_var)


@pytest.mark.parametrize("ids", [2, torch.tensor([2, 0] * 6)], ids=["whole", "mixed"])
def test_a_domain_that_is_absent_keeps_its_averages_bit_by_bit(ids):
    norm = make()
    told(norm, make_x(), IDS)
    before = copy.deepcopy(norm.state_dict())
    told(norm, make_x(seed=1), ids)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.equal(getattr(norm, name)[1], before[name][1])
        assert not torch.equal(getattr(norm, name)[2], before[name][2])


def test_domains_and_micro_batches_do_not_see_each_other():
    norm, x = make(), make_x().requires_grad_()
    told(norm, x, IDS)[1].square().sum().backward()  # of domain 2, in the first micro-batch
    touched = x.grad.flatten(1).abs().amax(1) > 0
    assert touched.tolist() == [place in (1, 4, 5) for place in range(12)]


def test_each_image_is_evaluated_by_its_own_domain():
    norm = make(scales="own")
    for step in range(3):
        told(norm, make_x(seed=step) * (1 + step), IDS)
    norm.eval()
    x = make_x(seed=9)
    y = told(norm, x, IDS)
    for place, domain in enumerate(IDS.tolist()):
        alone = told(norm, x[place : place + 1], domain)
        assert_close(y[place : place + 1], alone)
        scale = (norm.running_var[domain] + norm.eps).rsqrt() * norm.weight[domain]
        shift = norm.bias[domain] - norm.running_mean[domain] * scale
        assert_close(alone[0], x[place] * scale[:, None, None] + shift[:, None, None])


def test_estimates_have_a_row_for_every_micro_batch_and_domain_there():
    norm, x = make(), make_x()
    before = copy.deepcopy(norm.state_dict())
    norm.ids = IDS
    seen, prior, posterior, gain, *_ = norm.estimate(x)
    truth, running = norm.populations(x)
    norm.ids = None
    cells = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]  # no image of domain 2 in the second
    assert seen.mean.shape == truth.mean.shape == running.mean.shape == (5, 5)
    for row, (group, domain) in enumerate(cells):
        half = slice(6 * group, 6 * group + 6)
        own = x[half][IDS[half] == domain].transpose(0, 1).flatten(1)
        assert_close(seen.mean[row], own.mean(1))
        assert_close(posterior.var[row], own.var(1, correction=0))
        everywhere = x[domain == IDS].transpose(0, 1).flatten(1)
        assert_close(truth.mean[row], everywhere.mean(1))
        assert_close(truth.var[row], everywhere.var(1, correction=0))
        assert torch.equal(running.var[row], norm.running_var[domain])
    assert prior is None
    assert gain.tolist() == [1] * 5
    for name, value in norm.state_dict().items():
        assert torch.equal(value, before[name])


def test_distance_is_the_wasserstein_distance_of_diagonal_gaussians():
    images = Belief(torch.tensor([[0.0, 1.0], [3.0, 1.0]]), torch.tensor([[1.0, 4.0], [9.0, 0.0]]))
    domain = Belief(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 4.0]))
    assert distance(images, domain, values=9).tolist() == [0, 9 + 4 + 4]
    assert distance(images, domain, values=1).tolist() == [0, 9]


def test_affine_weights_of_domains_are_spared_weight_decay():
    shared, own = make(), make(scales="own")
    assert shared.weight.shape == (5,)
    assert own.weight.shape == (3, 5)
    assert {*own.undecayed(own)} == {own.weight, own.bias}


@pytest.mark.parametrize("momentum", [0.1, None])
def test_state_goes_on_where_it_was(momentum):
    one, other = (make() for _ in range(2))
    one.momentum = other.momentum = momentum
    told(one, make_x(), IDS)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    for step in range(1, 4):
        x, ids = make_x(seed=step), IDS.roll(step)
        assert torch.equal(told(one, x, ids), told(other, x, ids))
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])


def test_without_momentum_the_averages_are_plain():
    norm = make()
    norm.momentum = None
    batches = [make_x(seed=step) for step in range(3)]
    for x in batches:
        told(norm, x, IDS)
    own = torch.cat([x[IDS == 1] for x in batches]).transpose(0, 1).flatten(1)
    assert_close(norm.running_mean[1], own.mean(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_types_and_layouts_are_kept(dtype):
    norm, x = make().float(), make_x().to(dtype).to(memory_format=torch.channels_last)
    y = told(norm, x, IDS)
    assert y.dtype == dtype
    expected = told(make().float(), x.contiguous().float(), IDS)
    assert_close(y.float(), expected, atol=3e-2, rtol=3e-2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"domains": 17}, r"domain option domains must be a whole number in \[1, 16\], or 'auto'"),
        ({"scales": "mine"}, "domain option scales must be 'shared' or 'own'"),
        ({"unseen": "guess"}, "domain option unseen must be 'embedding' or 'average'"),
    ],
)
def test_wrong_options_are_refused_in_words(options, words):
    with pytest.raises(ValueError, match=words):
        build_norm("domain", 5, **options)


def test_domains_of_other_images_are_refused():
    with pytest.raises(ValueError, match="domain must name 12 images, got 5"):
        told(make(), make_x(), IDS[:5])


def test_mixed_batches_keep_their_precision_under_autocast():
    """A large mean, which half precision would round by 0.05."""
    x, norm = make_x().float() + 50.3, make().float()
    twin = copy.deepcopy(norm)
    with torch.autocast("cpu", torch.bfloat16):
        y = told(norm, x, IDS)
    assert_close(y, told(twin, x, IDS))
    assert_close(norm.state_dict(), twin.state_dict())
