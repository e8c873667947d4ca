"""What convert promises for every family of torchvision: copies, checkpoints, precision, layout."""

import copy
import io
import warnings
from functools import cache

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.testing import assert_close
from torchvision import models

from bkn import Belief
from bkn.surgery.convert import convert, norm_layers
from tests.surgery.small_torchvision import FAMILIES, small

# Of the doubled ones: heads make a tuple of the output, dropout depends on the memory's order.
KEYS = [key for key in FAMILIES if key not in ("googlenet", "densenet with dropout")]
every_family = pytest.mark.parametrize("key", KEYS)


@cache
def original(key):
    """The network and four pictures."""
    return small(key)


def images(key):
    return original(key)[1]


def converted(key, method="kalman"):
    with warnings.catch_warnings():  # which operations have a rule is the business of other tests
        warnings.filterwarnings("ignore", "no moment rule")
        return convert(original(key)[0], method, micro_batch=2).train()


def learn(model, x):
    """Loss and gradients by name of one pass; what is drawn, is drawn alike each time."""
    torch.manual_seed(5)
    model.zero_grad()
    loss = cross_entropy(model(x), torch.arange(len(x)))
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in model.named_parameters()}


@every_family
def test_a_copy_is_equal_and_independent(key):
    model, x = converted(key), images(key)
    clone = copy.deepcopy(model)
    state = copy.deepcopy(model.state_dict())
    ours = learn(model, x)
    assert_close(clone.state_dict(), state, atol=0, rtol=0)
    assert_close(learn(clone, x), ours, atol=0, rtol=0)
    assert_close(clone.state_dict(), model.state_dict(), atol=0, rtol=0)
    with torch.no_grad():
        for parameter in clone.parameters():
            parameter.zero_()
    assert all(p.abs().max() > 0 for n, p in model.named_parameters() if n.endswith("conv.weight"))
    assert_close(learn(model, x)[0], ours[0])


@every_family
def test_a_checkpoint_goes_through_a_file_of_plain_tensors(key):
    model, other, x = converted(key), converted(key), images(key)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    learn(model, x)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert_close(learn(other, x), learn(model, x), atol=0, rtol=0)
    assert torch.equal(other.eval()(x), model.eval()(x))


@every_family
def test_names_in_the_state_dict_stay(key):
    """So that what was learned with nn.BatchNorm can be loaded, and the other way round."""
    state = original(key)[0].state_dict()
    for method in ("kalman", "batch"):
        model = converted(key, method)
        assert sorted(model.state_dict()) == sorted(state)
        model.load_state_dict(state)


@every_family
def test_mixed_precision_keeps_beliefs_in_float32(key):
    model, x, calls = converted(key), images(key), []
    for norm in norm_layers(model).values():
        norm.register_forward_hook(lambda m, args, out: calls.append((*args[1:], out[1])))
    with torch.autocast("cpu", torch.bfloat16):
        loss = cross_entropy(model(x), torch.arange(len(x)))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    handed = [belief for call in calls for belief in call if belief is not None]
    assert len(handed) >= len(calls)
    assert all(isinstance(belief, Belief) for belief in handed)
    assert {t.dtype for belief in handed for t in (belief.mean, belief.var)} == {torch.float32}


@every_family
def test_channels_last_gives_the_same(key):
    model, x = converted(key).double(), images(key).double()
    loss, gradients = learn(model, x)
    twin = converted(key).double().to(memory_format=torch.channels_last)
    other_loss, other_gradients = learn(twin, x.to(memory_format=torch.channels_last))
    assert_close(other_loss, loss)
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    assert_close(other_gradients, gradients, atol=1e-6 * largest, rtol=1e-5)


@every_family
def test_every_parameter_gets_a_gradient(key):
    """So DistributedDataParallel need not look for those that do not."""
    _, gradients = learn(converted(key), images(key))
    assert [name for name, gradient in gradients.items() if gradient is None] == []


class Controlled(nn.Module):
    """What a model does in the ways that tracing cannot follow, and in one that it can."""

    def __init__(self, way):
        super().__init__()
        self.norm, self.way = nn.BatchNorm2d(1), way

    def forward(self, x):
        y = self.norm(x)
        if self.way == "branch":
            return y if y.sum() > 0 else x
        if self.way == "length":
            return y * len(y)
        if self.way == "loop":
            return sum(image for image in y)
        return {"logits": y, "features": x}


@pytest.mark.parametrize(
    ("way", "reason"),
    [("branch", "control flow"), ("length", "len"), ("loop", "iterat")],
)
def test_an_untraceable_model_is_refused_with_reason_and_way_out(way, reason):
    with pytest.raises(ValueError, match=r"^Controlled cannot be traced by torch\.fx: ") as refused:
        convert(Controlled(way), "kalman")
    assert reason in str(refused.value)
    assert "forward" in str(refused.value)


def test_a_dictionary_of_outputs_is_no_hindrance():
    model = convert(Controlled("dictionary"), "batch", micro_batch=2)
    x = torch.randn(4, 1, 3, 3)
    outputs = model(x)
    assert list(outputs) == ["logits", "features"]
    assert_close(outputs["logits"][:2].mean(), torch.tensor(0.0), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: models.squeezenet1_1(num_classes=10), "SqueezeNet"),
        (lambda: models.VisionTransformer(8, 4, 1, 1, 8, 8, num_classes=3), "VisionTransformer"),
        (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4)), "Sequential"),
    ],
)
def test_a_model_without_batch_norm_is_refused_with_a_way_out(make, name):
    with pytest.raises(ValueError, match=rf"^{name} has no nn\.BatchNorm layer to convert; "):
        convert(make(), "kalman")
