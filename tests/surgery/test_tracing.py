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
