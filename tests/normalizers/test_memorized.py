"""Memorized BN: the memory, its mixture, the second forward pass and what evaluation uses."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torchvision.models import resnet18

import bkn
from bkn.nets.convnet import ConvNet
from bkn.nets.resnet import ResNet
from bkn.normalizers.base import Belief, moments
from bkn.normalizers.build import build_norm
from bkn.normalizers.hooks import Hooks
from bkn.normalizers.memorized import MemorizedNorm, geometric, mixed
from bkn.surgery.convert import convert, norm_layers


def make_x(shape=(4, 6, 3, 2), seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double() + 0.3


def make_norm(**options):
    norm = MemorizedNorm(6, micro_batch=2, **options).double()
    torch.manual_seed(0)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    return norm


class Twin:
    """The equations with lists: one memory per micro-batch of 2, newest first."""

    def __init__(self, entries, ratio):
        self.entries, self.ratio, self.memory = entries, ratio, []

    def say(self, entries):
        weights = [self.ratio**j for j in range(len(entries))]
        shares = [weight / sum(weights) for weight in weights]
        mean = sum(a * m for a, (m, _) in zip(shares, entries, strict=True))
        square = sum(a * (v + m**2) for a, (m, v) in zip(shares, entries, strict=True))
        return mean, square - mean**2

    def __call__(self, x, norm, again=False):
        out, present = [], []
        for g, part in enumerate(x.split(2)):
            mean, var = part.mean((0, 2, 3)), part.var((0, 2, 3), correction=0)
            past = [entry[g] for entry in self.memory[int(again) :]][: self.entries - 1]
            m, v = self.say([(mean, var), *past])
            scale = norm.weight / (v + norm.eps).sqrt()
            out.append((part - m.view(-1, 1, 1)) * scale.view(-1, 1, 1) + norm.bias.view(-1, 1, 1))
            present.append((mean.detach(), var.detach()))
        self.memory = [present, *self.memory[int(again) :]][: self.entries]
        return torch.cat(out)


@pytest.mark.parametrize(("entries", "ratio"), [(1, 0.5), (3, 0.9), (3, 0.4), (8, 1.0)])
def test_forward_and_gradient_are_those_of_a_slow_twin(entries, ratio):
    norm, twin = make_norm(entries=entries, ratio=ratio), Twin(entries, ratio)
    for step in range(6):
        x = make_x(seed=step).requires_grad_()
        weights = make_x(seed=20)
        y, belief = norm(x)
        expected = twin(x, norm)
        assert belief is None
        assert_close(y, expected)
        inputs = (x, norm.weight, norm.bias)
        grads = torch.autograd.grad((y * weights).sum(), inputs)
        assert_close(grads, torch.autograd.grad((expected * weights).sum(), inputs))
        norm.replaying = True  # the batch again, behind the step
        again = make_x(seed=10 + step)
        with torch.no_grad():
            assert_close(norm(again)[0], twin(again, norm, again=True))
        norm.replaying = False
        said = [twin.say([entry[g] for entry in twin.memory]) for g in range(2)]
        assert_close(norm.running_mean, torch.stack([m for m, _ in said]).mean(0))
        assert_close(norm.running_var, torch.stack([v for _, v in said]).mean(0))
    assert norm.num_batches_tracked == 6


def test_one_entry_is_batch_norm():
    norm, plain = make_norm(entries=1), build_norm("batch", 6, micro_batch=2).double()
    plain.weight, plain.bias = norm.weight, norm.bias
    for step in range(3):
        assert_close(norm(make_x(seed=step))[0], plain(make_x(seed=step))[0])


def test_the_same_batch_again_is_batch_norm():
    norm, x = make_norm(), make_x()
    first = norm(x)[0]
    for _ in range(4):
        assert_close(norm(x)[0], first)


def test_with_equal_weights_the_memory_is_one_large_batch():
    norm = make_norm(entries=3, ratio=1.0)
    parts = [make_x((2, 6, 3, 2), seed=s) for s in range(3)]
    for x in parts:
        y = norm(x)[0]
    whole = torch.cat(parts[::-1])
    expected = F.batch_norm(whole, None, None, norm.weight, norm.bias, True)
    assert_close(y, expected[:2])
    assert_close(Belief(norm.running_mean[None], norm.running_var[None]), moments(whole))


def test_the_newest_weighs_most():
    weights = geometric(3, 0.5, torch.zeros(0))
    assert_close(weights, torch.tensor([4.0, 2.0, 1.0]) / 7)
    entries = Belief(torch.tensor([[[1.0]], [[0.0]], [[0.0]]]), torch.zeros(3, 1, 1))
    assert_close(mixed(weights, entries).mean, torch.tensor([[4 / 7]]))


class Net(nn.Module):
    """A small network with dropout and a plain batch norm, which no replay may move."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.drop, self.last = nn.Dropout(0.5), nn.Conv2d(4, 3, 3)

    def forward(self, x):
        return self.last(self.drop(F.relu(self.norm(self.conv(x))))).mean((2, 3))


def one_step(model, x, lr):
    hooks = Hooks(model)
    optimizer = torch.optim.SGD(model.parameters(), lr)
    optimizer.zero_grad()
    hooks.before_forward()
    F.cross_entropy(model(x), torch.arange(len(x)) % 3).backward()
    optimizer.step()
    entries = [copy.deepcopy(norm.memory.state_dict()) for norm in norm_layers(model).values()]
    weights = [p.detach().clone() for p in model.parameters()]
    hooks.after_step(lambda: model(x))
    assert all(torch.equal(p, w) for p, w in zip(model.parameters(), weights, strict=True))
    return entries


@pytest.mark.parametrize("lr", [0.0, 0.5])
def test_the_second_pass_writes_the_moments_under_the_new_weights(lr):
    torch.manual_seed(0)
    model, x = convert(Net(), "memorized", micro_batch=2), make_x((4, 1, 6, 6)).float()
    for _ in range(2):
        (provisional,) = one_step(model, x, lr)
    memory = model.norm.memory
    expected = moments(model.conv(x).detach(), 2)
    assert_close(Belief(memory.mean[0], memory.var[0]), expected)
    same = torch.allclose(memory.mean[0], provisional["mean"][0], atol=1e-6)
    assert same == (lr == 0)
    assert len(memory) == 2  # replaced, not pushed
    assert model.norm.num_batches_tracked == 2


def test_evaluation_before_any_step_is_the_identity_and_never_looks_at_the_batch():
    norm, x = MemorizedNorm(6, micro_batch=2).eval(), make_x().float()
    assert_close(norm(x)[0], x, atol=1e-5, rtol=1e-4)
    norm.train()(x)
    norm.eval()
    assert_close(norm(x[:1])[0], norm(x)[0][:1])
    assert_close(norm(x[:3])[0], norm(x)[0][:3])


def test_single_values_are_fine_once_there_is_a_memory():
    norm = MemorizedNorm(6, micro_batch=1).double()
    with pytest.raises(ValueError, match="more than one value per statistic"):
        norm(make_x((4, 6)))
    norm(make_x((4, 6, 3, 2)))
    y = norm(make_x((4, 6), seed=1))[0]
    assert y.isfinite().all()
    assert y.abs().max() > 0.1
    with pytest.raises(ValueError, match="micro_batch must divide"):
        make_norm()(make_x((3, 6, 3, 2)))


def test_the_gradient_passes_the_present_entry_alone():
    norm, x = make_norm(), make_x((4, 6, 2)).requires_grad_()
    norm(make_x((4, 6, 2), seed=1))
    assert torch.autograd.gradcheck(lambda x: copy.deepcopy(norm)(x)[0], x)


def test_options_are_checked():
    for options in ({"entries": 0}, {"ratio": 0.0}, {"ratio": 1.1}):
        with pytest.raises(ValueError, match="entries must be at least 1"):
            MemorizedNorm(6, **options)


NETWORKS = {
    "convnet": (lambda: ConvNet(1, (8, 8), 10), (4, 1, 8, 8)),
    "resnet": (lambda: ResNet(1, (8, 8), 10), (4, 1, 8, 8)),
    "resnet18": (lambda: resnet18(num_classes=10), (4, 3, 32, 32)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_converted_networks_train_and_go_on_exactly(name):
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    net = make()
    model = convert(net, "memorized", micro_batch=2)
    assert len(norm_layers(model)) == sum(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    for step in range(2):
        one_step(model, make_x(shape, seed=step).float(), 0.01)
    twin = convert(net, "memorized", micro_batch=2)
    twin.load_state_dict(model.state_dict())
    other = copy.deepcopy(model)
    x = make_x(shape, seed=5).float()
    for one in (model, twin, other):
        one_step(one, x, 0.01)
    for name, value in model.state_dict().items():
        assert torch.equal(twin.state_dict()[name], value)
        assert torch.equal(other.state_dict()[name], value)
    assert torch.equal(model.eval()(x), twin.eval()(x))


def test_a_layer_that_is_called_twice_is_refused():
    shared = nn.BatchNorm2d(1)
    with pytest.raises(ValueError, match="0 is called more than once"):
        convert(nn.Sequential(shared, nn.ReLU(), shared), "memorized")


def test_it_learns():
    experiment = bkn.Experiment(method="memorized", batch=32, epochs=1, device="cpu")
    assert bkn.train(experiment, probe="off").summary["test_accuracy"] > 0.4
