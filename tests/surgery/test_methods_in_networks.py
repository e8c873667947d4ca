"""Every method in every network: it converts, trains, travels and leaves nothing behind."""

import copy
import math
from functools import cache

import pytest
import torch
from torch import fx, nn
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm
from torch.testing import assert_close
from torchvision.models import resnet18

from bkn import Experiment
from bkn.catalog import METHODS, NETWORKS
from bkn.nets.convnet import ConvNet
from bkn.nets.mlp import MLP
from bkn.nets.resnet import ResNet
from bkn.normalizers.base import Normalizer
from bkn.normalizers.hooks import Hooks
from bkn.surgery.convert import convert, norm_layers

NETS = {
    "convnet": lambda: ConvNet(1, (8, 8), 10, depth=4, width=8),
    "resnet": lambda: ResNet(1, (8, 8), 10, n=1, width=8),
    "mlp": lambda: MLP(1, (8, 8), 10, depth=3, width=16),
    "resnet18": lambda: resnet18(num_classes=10),
}
VECTORS = {name for name, card in NETWORKS.items() if not card.spatial}
FITS = [
    pytest.param(key, net, id=f"{key}-{net}")
    for key, card in METHODS.items()
    for net in ("convnet", "resnet", "mlp")
    if net not in VECTORS or not card.needs_space
]
every_network = pytest.mark.parametrize(("key", "net"), FITS)
every_method = pytest.mark.parametrize("key", METHODS)
STEPS = 6


@cache
def plain(net):
    torch.manual_seed(0)
    return NETS[net]()


def converted(key, net):
    """A freshly converted network in training, planned for STEPS steps."""
    model = convert(plain(net), key, micro_batch=2)
    Hooks(model).plan(STEPS)
    return model


def images(number=8, seed=0, channels=1, size=8):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(number, channels, size, size, generator=generator)


def forward(model, x):
    """The output; layers that draw random numbers draw the same ones each time."""
    torch.manual_seed(5)
    return model(x)


def train(model, steps, x, lr=0.05):
    """Optimizer steps as the training loop takes them; the losses."""
    hooks, losses = Hooks(model), []
    optimizer = torch.optim.SGD(model.parameters(), lr)
    for step in range(steps):
        batch = x.roll(step, 2)
        torch.manual_seed(step)
        hooks.before_forward()
        loss = cross_entropy(model(batch), torch.arange(len(x)) % 10)
        optimizer.zero_grad()
        loss.backward()
        hooks.before_step()
        optimizer.step()
        hooks.after_step(lambda batch=batch: model(batch))
        losses.append(loss.item())
    return losses


def assert_equal_states(one, other):
    ours, theirs = one.state_dict(), other.state_dict()
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def assert_trains_and_travels(model, twin, x, steps=2):
    """Finite in both modes; some steps; then copies and checkpoints go on bit for bit.

    Args:
        model: freshly converted.
        twin: the same, converted once more.
        x: a batch.
        steps: before the copies are made, and after that.
    """
    assert forward(model, x).isfinite().all()
    cross_entropy(forward(model, x), torch.arange(len(x))).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())
    model.zero_grad()
    assert all(map(math.isfinite, train(model, steps, x)))
    twin.load_state_dict(model.state_dict())
    clone = copy.deepcopy(model)
    assert_equal_states(clone, model)
    expected = train(model, steps, x)
    assert train(clone, steps, x) == expected
    assert train(twin, steps, x) == expected
    assert_equal_states(clone, model)
    assert_equal_states(twin, model)
    whole = model.eval()(x)
    assert whole.isfinite().all()
    assert torch.equal(clone.eval()(x), whole)
    assert torch.equal(twin.eval()(x), whole)


@every_network
def test_it_trains_and_travels(key, net):
    assert_trains_and_travels(converted(key, net), converted(key, net), images())


@every_method
def test_it_trains_and_travels_in_a_network_of_torchvision(key):
    size = 64 if METHODS[key].needs_space else 32  # 32 pixels end as one place
    model, twin = converted(key, "resnet18"), converted(key, "resnet18")
    assert_trains_and_travels(model, twin, images(4, channels=3, size=size), steps=1)
    assert_whole(model)


@every_network
def test_evaluation_is_independent_of_the_batch(key, net):
    model, x = converted(key, net), images()
    train(model, 2, x)
    model.eval()
    before = copy.deepcopy(model.state_dict())
    whole = forward(model, x)
    torch.manual_seed(77)
    for i in range(3):
        assert_close(model(x[i : i + 1]), whole[i : i + 1], atol=1e-5, rtol=1e-4)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def used_paths(model):
    """Paths of the modules that the code calls, and of everything below and above them."""
    used = set()
    for node in model.graph.nodes:
        if node.op not in ("call_module", "get_attr"):
            continue
        parts = str(node.target).split(".")
        used |= {".".join(parts[: i + 1]) for i in range(len(parts))}
        if node.op == "call_module":
            below = model.get_submodule(node.target).named_modules(remove_duplicate=False)
            used |= {f"{node.target}.{name}" for name, _ in below}
    return used


def assert_whole(model):
    """No batch norm of torch, nothing unused, sensible labels."""
    assert not any(isinstance(module, _BatchNorm) for module in model.modules())
    (graph_module,) = (m for m in model.modules() if isinstance(m, fx.GraphModule))
    paths = {name for name, _ in graph_module.named_modules(remove_duplicate=False) if name}
    assert paths - used_paths(graph_module) == set()
    unused = [n for n in graph_module.graph.nodes if not n.users and n.op != "output"]
    assert unused == []
    norms = norm_layers(model)
    assert len(norms) == sum(isinstance(module, Normalizer) for module in model.modules())
    assert len(set(norms.values())) == len(norms) > 0
    assert all(label and not label.startswith("_") for label in norms)


@every_network
def test_nothing_is_left_behind(key, net):
    model = converted(key, net)
    assert_whole(model)
    assert_whole(copy.deepcopy(model))


@every_network
def test_what_the_card_stores(key, net):
    """ "nothing", if and only if there are no buffers."""
    names = [name for name, _ in converted(key, net).named_buffers()]
    assert (METHODS[key].stores == "nothing") == (not names), names


@every_network
def test_every_parameter_is_used(key, net):
    """A parameter without a gradient is not in the network, or should not be."""
    model = converted(key, net)
    cross_entropy(forward(model, images()), torch.arange(8)).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@every_network
def test_channels_last_gives_the_same(key, net):
    if net in VECTORS:
        x, given = images(), images()
    else:
        x, given = images(), images().to(memory_format=torch.channels_last)
    model, twin = converted(key, net), converted(key, net).to(memory_format=torch.channels_last)
    assert_close(forward(twin, given), forward(model, x), atol=1e-4, rtol=1e-4)
    assert_close(forward(twin.eval(), given), forward(model.eval(), x), atol=1e-4, rtol=1e-4)


@every_network
@pytest.mark.parametrize("training", [True, False])
def test_mixed_precision(key, net, training):
    model = converted(key, net)
    train(model, 1, images())
    types = {name: value.dtype for name, value in model.state_dict().items()}
    model.train(training)
    with torch.autocast("cpu", torch.bfloat16):
        loss = cross_entropy(forward(model, images()), torch.arange(8))
    loss.backward()
    assert loss.isfinite()
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert all(grad.isfinite().all() for grad in grads.values())
    assert {name: value.dtype for name, value in model.state_dict().items()} == types


@every_method
def test_it_is_the_method_of_the_card(key):
    """Estimates are there if and only if the card says so; and so is the live micro-batch."""
    norms = norm_layers(converted(key, "convnet")).values()
    assert {type(norm) for norm in norms} == {METHODS[key].load()}
    assert {norm.micro_batch for norm in norms} == {2}


@every_method
def test_the_micro_batch_counts_as_the_card_says(key):
    """Another micro-batch, another output in training: if statistics are the micro-batch's."""
    model, x = converted(key, "convnet"), images()
    other = copy.deepcopy(model)
    for norm in norm_layers(other).values():
        norm.micro_batch = 4
    change = (forward(model, x) - forward(other, x)).abs().max()
    assert (change > 1e-4) == METHODS[key].batch_statistics


@every_method
def test_the_network_depends_on_the_past_as_the_card_says(key):
    """At the same weights: what another batch left behind shows in the output, or not."""
    model = converted(key, "convnet")
    train(model, 20, images(), lr=0.0)  # more than any window holds
    outputs = []
    for seed in (1, 2):
        one = copy.deepcopy(model)
        train(one, 1, 2 * images(seed=seed) + seed, lr=0.0)
        outputs.append(forward(one, images()))
    assert torch.equal(*outputs) != METHODS[key].remembers


@every_method
def test_a_network_that_was_frozen_in_part_stays_so(key):
    """Evaluation mode of the replaced layer, and what it was told not to learn."""
    net = copy.deepcopy(plain("convnet")).eval()
    assert not any(norm.training for norm in norm_layers(convert(net, key)).values())


@pytest.mark.parametrize("key", [key for key, card in METHODS.items() if card.needs_space])
def test_methods_that_need_space_say_so_early(key):
    with pytest.raises(ValueError, match="height and width"):
        Experiment(method=key, network="mlp")
    with pytest.raises(ValueError, match="height and width"):
        converted(key, "mlp")(images())


@every_method
def test_a_network_without_batch_norm_is_refused(key):
    with pytest.raises(ValueError, match=r"Sequential has no nn\.BatchNorm layer"):
        convert(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), key)
