"""What convert weaves into a network, what it keeps, and what it says."""

import copy
import operator
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.testing import assert_close

from bkn.catalog import METHODS
from bkn.moments.weaver import RULES
from bkn.nets.convnet import ConvNet
from bkn.nets.mlp import MLP
from bkn.nets.resnet import ResNet
from bkn.normalizers.base import Normalizer
from bkn.surgery.convert import convert, norm_layers

X = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Spoken(nn.Module):
    """The same operations as modules, functions or tensor methods."""

    def __init__(self, dialect):
        super().__init__()
        torch.manual_seed(0)
        self.conv0, self.norm0 = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv1, self.norm1 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.linear, self.norm2 = nn.Linear(4 * 4, 6), nn.BatchNorm1d(6)
        self.relu, self.pool, self.flat = nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten()
        self.average = nn.AvgPool2d(2)
        self.dialect = dialect

    def forward(self, x):
        x = self.norm0(self.conv0(x))
        if self.dialect == "modules":
            x = self.pool(self.relu(x))
            y = self.norm1(self.conv1(x))
            return self.norm2(self.linear(self.flat(self.average(y + x))))
        if self.dialect == "functions":
            x = F.max_pool2d(F.relu(x, inplace=True), 2)
            y = self.norm1(F.conv2d(x, self.conv1.weight, self.conv1.bias, padding=1))
            y = torch.flatten(F.avg_pool2d(torch.add(y, x), 2), 1)
            return self.norm2(F.linear(y, self.linear.weight, self.linear.bias))
        x = F.max_pool2d(x.relu(), kernel_size=2, stride=2)
        y = self.norm1(self.conv1(x))
        y += x
        y = F.adaptive_avg_pool2d(y, (2, 2)).contiguous()
        return self.norm2(self.linear(y.view(y.size(0), -1)))


@pytest.mark.parametrize("dialect", ["functions", "methods"])
@pytest.mark.parametrize("transition", ["moments", "normalized"])
def test_modules_functions_and_methods_are_the_same(dialect, transition):
    def run(name):
        model = convert(Spoken(name), "kalman", micro_batch=2, gain=0.3, transition=transition)
        y = model(X)
        y.square().sum().backward()
        return y, {name: p.grad for name, p in model.named_parameters()}

    assert_close(run(dialect), run("modules"))


def priors(model, x):
    """The prior each normalizer is called with, by label."""
    seen = {}
    for label, norm in norm_layers(model).items():
        norm.register_forward_pre_hook(
            lambda module, args, label=label: seen.update({label: (*args, None)[1]})
        )
    model(x)
    return seen


@pytest.mark.parametrize("transition", ["moments", "sampled", "normalized"])
@pytest.mark.parametrize(
    "net",
    [ConvNet(1, (8, 8), 10), ResNet(1, (8, 8), 10, n=2), MLP(1, (8, 8), 10)],
    ids=["convnet", "resnet", "mlp"],
)
def test_every_layer_but_the_first_gets_a_prior(net, transition):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = convert(net, "kalman", micro_batch=2, transition=transition)
    first, *others = priors(model, X).values()
    assert first is None
    for prior in others:
        assert len(prior.mean) == 4
        assert prior.mean.isfinite().all()
        assert (prior.var > 0).all()
    assert all(prior is None for prior in priors(model.eval(), X).values())


def test_labels():
    model = convert(ConvNet(1, (8, 8), 10), "kalman")
    assert list(norm_layers(model)) == [f"layer{i}" for i in range(1, 7)]
    model = convert(ResNet(1, (8, 8), 10), "kalman")
    expected = ["stem", "block1.norm1", "block2.norm0", "block2.norm1", "block3.norm0"]
    assert list(norm_layers(model)) == [*expected, "block3.norm1", "last"]
    assert all(isinstance(norm, Normalizer) for norm in norm_layers(model).values())
    wrapped = nn.Sequential(model)
    assert len(norm_layers(wrapped)) == 7


def test_the_residual_stream_keeps_its_incoming_prior():
    """The stream's belief is its prior plus the branch, not the posterior of its norm."""
    torch.manual_seed(0)
    model = convert(ResNet(1, (8, 8), 10, n=2), "kalman", micro_batch=2)
    given = {}
    for node in model.graph.nodes:
        if node.op == "call_module" and str(node.target).startswith(RULES):
            module = model.get_submodule(node.target)
            module.register_forward_hook(
                lambda m, args, out, name=node.name: given.update({name: (args, out)})
            )
    model(X)
    streams = [one for name, one in given.items() if name.startswith(f"{RULES}_add")]
    assert len(streams) == 6
    branch, stream = streams[1][0][0]
    assert stream is streams[0][1]  # what came in, uncorrected
    assert_close(streams[1][1].belief().mean, branch.belief().mean + stream.belief().mean)


def test_predictions_that_nobody_consumes_are_not_made():
    model = convert(ConvNet(1, (8, 8), 10), "kalman")
    rules = {str(n.target) for n in model.graph.nodes if str(n.target).startswith(RULES)}
    assert f"{RULES}.layer6_conv" in rules
    assert not {f"{RULES}.layer6_relu", f"{RULES}.pool", f"{RULES}.flatten"} & rules
    assert "layer6.norm.transition" not in {str(n.target) for n in model.graph.nodes}
    unused = [n for n in model.graph.nodes if not n.users and n.op != "output"]
    assert unused == []


@pytest.mark.parametrize("method", [key for key, card in METHODS.items() if not card.uses_prior])
def test_methods_without_prior_carry_nothing(method):
    model = convert(ConvNet(1, (8, 8), 10), method, micro_batch=2)
    graphs = [module.graph for module in model.modules() if isinstance(module, fx.GraphModule)]
    assert not any(str(node.target).startswith(RULES) for g in graphs for node in g.nodes)
    model(X).sum().backward()


class Odd(nn.Module):
    """An operation without a rule, before or behind the last normalizer."""

    def __init__(self, last):
        super().__init__()
        self.conv0, self.norm0 = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.conv1, self.norm1 = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)
        self.last = last

    def forward(self, x):
        x = self.norm0(self.conv0(x))
        x = self.norm1(self.conv1(x if self.last else torch.cumsum(x, 2)))
        return torch.cumsum(x, 2) if self.last else x


def test_an_operation_without_a_rule_drops_the_belief_and_is_named_once():
    with pytest.warns(UserWarning, match=r"no moment rule for cumsum.*norm1") as caught:
        model = convert(Odd(last=False), "kalman", micro_batch=2)
    assert len(caught) == 1
    assert priors(model, X) == {"norm0": None, "norm1": None}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert(Odd(last=True), "kalman")
        convert(Odd(last=False), "batch")


def test_a_model_without_batch_norm_is_refused():
    with pytest.raises(ValueError, match=r"Sequential has no nn\.BatchNorm layer"):
        convert(nn.Sequential(nn.Linear(2, 2)), "batch")


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x):
        return self.norm(x) if x.sum() > 0 else x


def test_an_untraceable_model_is_refused_with_the_reason():
    with pytest.raises(ValueError, match=r"Branching cannot be traced.*control flow"):
        convert(Branching(), "batch")


def test_unknown_method_and_option_are_refused():
    net = ConvNet(1, (8, 8), 10)
    with pytest.raises(ValueError, match="unknown method"):
        convert(net, "bach")
    with pytest.raises(ValueError, match="has no option"):
        convert(net, "batch", gain=0.1)


def test_the_original_stays_as_it_is():
    net = ConvNet(1, (8, 8), 10)
    before = copy.deepcopy(net.state_dict())
    model = convert(net, "kalman", micro_batch=2)
    model(X).sum().backward()
    assert isinstance(net.layer1.norm, nn.BatchNorm2d)
    assert_close(net.state_dict(), before)
    assert net.classify.weight.grad is None


def test_settings_of_the_layers_are_kept():
    net = ConvNet(1, (8, 8), 10, depth=2)
    net.layer1.norm.eps, net.layer1.norm.momentum = 0.01, None
    net.layer2.norm = nn.BatchNorm2d(16, affine=False)
    net.layer1.norm.weight.requires_grad_(False)
    net.layer2.eval()
    model = convert(net, "kalman", micro_batch=2)
    one, two = norm_layers(model).values()
    assert (one.eps, one.momentum, one.weight.requires_grad) == (0.01, None, False)
    assert two.weight is None
    assert (one.training, two.training) == (True, False)
    assert list(model.state_dict()) == list(net.state_dict())
    assert model(X).isfinite().all()


def test_one_layer_used_twice_stays_one():
    shared = nn.BatchNorm2d(1)
    model = convert(nn.Sequential(shared, nn.ReLU(), shared), "kalman", micro_batch=2)
    assert len(norm_layers(model)) == 1
    model(X)
    assert norm_layers(model)["0"].num_batches_tracked == 2


@pytest.mark.parametrize("transition", ["moments", "sampled", "normalized"])
@pytest.mark.parametrize("gain", [0.1, "learned"])
def test_a_copy_and_a_checkpoint_give_the_same(transition, gain):
    model = convert(
        ResNet(1, (8, 8), 10), "kalman", micro_batch=2, gain=gain, transition=transition
    )
    model(X)
    twin = copy.deepcopy(model)
    other = convert(
        ResNet(1, (8, 8), 10), "kalman", micro_batch=2, gain=gain, transition=transition
    )
    other.load_state_dict(model.state_dict())

    def run(one):
        torch.manual_seed(5)
        return one(X)

    expected = run(model)
    assert torch.equal(run(twin), expected)
    assert torch.equal(run(other), expected)
    assert norm_layers(twin)["stem"] is not norm_layers(model)["stem"]
    assert torch.equal(twin.eval()(X), model.eval()(X))


@pytest.mark.parametrize("transition", ["moments", "sampled", "normalized"])
def test_mixed_precision(transition):
    torch.manual_seed(0)
    model = convert(ConvNet(1, (8, 8), 10), "kalman", micro_batch=2, transition=transition)
    with torch.autocast("cpu", torch.bfloat16):
        loss = F.cross_entropy(model(X), torch.arange(8))
    loss.backward()
    assert all(p.grad.isfinite().all() and p.grad.dtype == p.dtype for p in model.parameters())
    for label, prior in priors(model, X).items():
        if label != "layer1":
            assert prior.mean.dtype == torch.float32


@pytest.mark.parametrize("transition", ["moments", "normalized"])
def test_channels_last(transition):
    torch.manual_seed(0)
    model = convert(ResNet(1, (8, 8), 10), "kalman", micro_batch=2, transition=transition)
    expected = model(X)
    model = model.to(memory_format=torch.channels_last)
    assert_close(model(X.to(memory_format=torch.channels_last)), expected, atol=1e-4, rtol=1e-4)


def test_micro_batch_and_gain_can_be_changed_live():
    torch.manual_seed(0)
    net = ConvNet(1, (8, 8), 10)
    model = convert(net, "kalman", micro_batch=2, gain=0.1)
    for norm in norm_layers(model).values():
        norm.micro_batch, norm.gain = 8, 1.0
    assert_close(model(X), net(X), atol=1e-5, rtol=1e-4)


def test_the_weights_get_gradients_through_the_prediction():
    """A loss on the last posterior alone reaches the weights of the layers below."""
    model = convert(ConvNet(1, (8, 8), 10, depth=2), "kalman", micro_batch=2)
    prior = {}
    norm_layers(model)["layer2"].register_forward_pre_hook(lambda m, args: prior.update(at=args[1]))
    model(X)
    (prior["at"].mean.sum() + prior["at"].var.sum()).backward()
    assert model.layer2.conv.weight.grad.abs().max() > 0
    assert model.layer1.conv.weight.grad.abs().max() > 0


def test_nothing_is_drawn_but_by_the_sampled_transition():
    for transition, same in (("moments", True), ("normalized", True), ("sampled", False)):
        model = convert(MLP(1, (8, 8), 10), "kalman", micro_batch=2, transition=transition)
        before = torch.get_rng_state()
        model(X)
        assert torch.equal(torch.get_rng_state(), before) == same


def test_the_closed_form_prior_predicts_a_real_network():
    """At m=2 the normalized prior is far closer to the truth than the guard allows."""
    torch.manual_seed(0)
    x = torch.randn(256, 1, 8, 8) * torch.rand(256, 1, 1, 1)
    model = convert(ConvNet(1, (8, 8), 10), "kalman", micro_batch=2, transition="normalized")
    truth = {}
    for label, norm in norm_layers(model).items():
        norm.register_forward_pre_hook(
            lambda m, args, label=label: truth.update(
                {label: (args[0].mean((0, 2, 3)), args[0].var((0, 2, 3)))}
            )
        )
    for label, prior in priors(model, x).items():
        if prior is not None:
            mean, var = truth[label]
            assert (prior.var / var).mean() < 3
            assert (prior.var / var).mean() > 1 / 3
            assert ((prior.mean - mean).square() / var).mean() < 0.5


def test_generated_code_is_readable():
    model = convert(ConvNet(1, (8, 8), 10), "kalman")
    assert f"{RULES}.layer2_conv" in model.code
    assert operator.getitem in {node.target for node in model.graph.nodes}


class Joined(nn.Module):
    """Two norms with something unusual in between."""

    def __init__(self, between):
        super().__init__()
        self.conv0, self.norm0 = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.beside = nn.Conv2d(1, 4, 3, padding=1)
        self.conv1, self.norm1 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.between = between

    def forward(self, x):
        y = self.norm0(self.conv0(x))
        y = torch.cat([y], 1) if self.between == "cat of one" else y + self.beside(x)
        return self.norm1(self.conv1(y))


def test_a_concatenation_of_one_part_carries_the_belief():
    model = convert(Joined("cat of one"), "kalman", micro_batch=2)
    assert list(priors(model, X).values())[1] is not None


def test_a_sum_with_something_unknown_drops_the_belief_and_says_so():
    with pytest.warns(UserWarning, match="for add with what no belief is about: .* norm1"):
        model = convert(Joined("sum"), "kalman", micro_batch=2)
    assert list(priors(model, X).values())[1] is None


@pytest.mark.parametrize("model", ["text", None, [nn.BatchNorm2d(3)]])
def test_what_is_no_model_is_refused_in_words(model):
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, got"):
        convert(model, "batch")
