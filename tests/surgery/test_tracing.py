"""A traced model behaves in training and in evaluation as the original does."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from bkn.surgery.convert import convert

X = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))


class Moody(nn.Module):
    """Behaves as told by `does(self, x)`, behind a convolution and a norm."""

    def __init__(self, does):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.head = nn.Conv2d(4, 4, 1)
        self.does = does

    def forward(self, x):
        return self.does(self, self.norm(self.conv(x)))


def both(does, change=lambda model: None, method="batch"):
    """Outputs of the original and the converted model, in training and in evaluation."""
    torch.manual_seed(0)
    model = Moody(does)
    change(model)
    converted = convert(model, method)
    result = []
    for mode in (None, False, True):
        for one in (model, converted):
            if mode is not None:
                one.train(mode)
            torch.manual_seed(1)
            result.append(one(X))
    return zip(result[::2], result[1::2], strict=True)


def dropping(self, x):
    return F.dropout(x, 0.5, self.training)


def by_keyword(self, x):
    return F.dropout(x, p=0.5, training=self.training)


def backwards(self, x):
    return F.dropout(x, 0.5, not self.training)


def always(self, x):
    return F.dropout(x, 0.5)


def constant(self, x):
    return F.dropout(x * torch.tensor([2.0]), 0.5, self.training)


@pytest.mark.parametrize("does", [dropping, by_keyword, backwards, always, constant])
def test_a_flag_follows_the_mode(does):
    for expected, seen in both(does):
        assert_close(seen, expected)


def test_a_part_in_evaluation_stays_there():
    """The layer whose forward asks is in evaluation, the model around it in training."""

    def freeze(model):
        model.training = False

    (first, *_) = both(dropping, freeze)
    assert_close(*first)
    assert (first[1] != 0).all()


def heads(self, x):
    return (x, self.head(x)) if self.training else x


def two_heads(self, x):
    return {"main": x, "aux": self.head(x)} if self.training else x.flatten(1).view(4, -1)


@pytest.mark.parametrize("method", ["batch", "kalman"])
def test_each_mode_has_its_own_output(method):
    if method == "batch":
        for expected, seen in both(heads):
            assert type(seen) is type(expected)
            assert_close(seen, expected)
    else:
        torch.manual_seed(0)
        model = convert(Moody(heads), method)
        twin = copy.deepcopy(model).eval()
        assert isinstance(model(X), tuple)
        assert isinstance(twin(X), torch.Tensor)


def noisy(self, x):
    return x + torch.ones(1) if self.training else x * 2


@pytest.mark.parametrize("does", [noisy, two_heads])
def test_evaluation_of_its_own_is_refused(does):
    with pytest.raises(ValueError, match=r"Moody cannot be traced.*evaluation computes what train"):
        convert(Moody(does), "batch")


def test_tracing_changes_no_mode():
    model = Moody(dropping)
    model.norm.eval()
    convert(model, "batch")
    assert [m.training for m in (model, model.conv, model.norm)] == [True, True, False]
    assert [n for n, _ in model.named_children()] == ["conv", "norm", "head"]


@pytest.mark.parametrize("method", ["batch", "kalman"])
def test_evaluation_does_not_run_what_only_training_needs(method):
    calls = []
    model = convert(Moody(pooled_head), method)
    assert model.state_dict().keys() == Moody(pooled_head).state_dict().keys() | {
        name for name in model.state_dict() if name.startswith("norm.")
    }
    for one in (model, copy.deepcopy(model)):
        one.head.register_forward_hook(lambda *_: calls.append(1))
        assert isinstance(one(X), tuple)
        assert len(calls) == 1
        one.eval()
        assert one(X[:, :, :2, :2]).shape == (4, 4, 2, 2)  # too small for the head
        assert len(calls) == 1
        calls.clear()


def pooled_head(self, x):
    return (x, self.head(F.avg_pool2d(x, 4)).mean((2, 3))) if self.training else x


class Optional(nn.Module):
    """Has arguments that most calls leave out."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x, mask=None, doubled=True, *, shift=None):
        y = self.norm(self.conv(x if mask is None else x * mask))
        y = y if shift is None else y + shift
        return 2 * y if doubled else y


def test_arguments_that_a_call_leaves_out_have_their_defaults():
    torch.manual_seed(0)
    model = Optional()
    converted = convert(model, "kalman", gain=1.0)
    assert_close(converted(X), model(X))
    assert_close(converted(X, mask=None, doubled=True, shift=None), model(X))
    with pytest.raises(AssertionError, match="mask has been specialized to have value None"):
        converted(X, mask=torch.ones_like(X))
    with pytest.raises(AssertionError, match="doubled has been specialized to have value True"):
        converted(X, doubled=False)
