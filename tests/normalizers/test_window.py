"""The window of earlier batches: order, size, exchange of rows, and its state."""

import copy

import pytest
import torch

from bkn.normalizers.window import Window


def entry(value, groups=2):
    return torch.full((groups, 3), float(value)) + torch.arange(groups)[:, None] / 10


def filled(size, values):
    window = Window(size, ("mean",))
    for value in values:
        window.push(mean=entry(value))
    return window


def test_the_newest_comes_first_and_the_oldest_falls_out():
    window = filled(3, [])
    assert len(window) == len(window.rows("mean", 2)) == 0
    for count, value in enumerate([1, 2, 3, 4, 5], 1):
        window.push(mean=entry(value))
        assert len(window) == min(count, 3)
    assert torch.equal(window.rows("mean", 2), torch.stack([entry(5), entry(4), entry(3)]))


def test_replace_writes_the_newest_only():
    window = filled(3, [1, 2])
    window.replace(mean=entry(7))
    assert torch.equal(window.rows("mean", 2), torch.stack([entry(7), entry(1)]))
    with pytest.raises(ValueError, match="empty"):
        Window(3, ("mean",)).replace(mean=entry(1))


def test_a_window_of_size_0_keeps_nothing():
    window = filled(0, [1, 2])
    assert len(window) == 0
    assert len(window.rows("mean", 2)) == 0


def test_rows_repeat_or_are_left_out_when_the_groups_change():
    window = filled(2, [1, 2])
    assert torch.equal(window.rows("mean", 5)[0], entry(2)[[0, 1, 0, 1, 0]])
    assert torch.equal(window.rows("mean", 1)[1], entry(1)[:1])
    window.push(mean=entry(3, groups=3))
    assert torch.equal(window.rows("mean", 3)[1], entry(2)[[0, 1, 0]])


def test_entries_carry_no_gradient_and_do_not_change_with_what_was_pushed():
    window, value = Window(2, ("mean",)), entry(1).requires_grad_()
    window.push(mean=value)
    assert not window.rows("mean", 2).requires_grad
    with torch.no_grad():
        value += 1
    assert torch.equal(window.rows("mean", 2)[0], entry(1))


@pytest.mark.parametrize("count", [0, 1, 4])
def test_state_dict_and_copy_go_on_exactly(count):
    window = filled(3, range(count))
    twin = Window(3, ("mean",))
    twin.push(mean=entry(9, groups=7))  # other shapes are taken over
    twin.load_state_dict(window.state_dict())
    for other in (twin, copy.deepcopy(window)):
        assert torch.equal(other.rows("mean", 2), window.rows("mean", 2))
        assert len(other) == len(window)
    before = copy.deepcopy(window.state_dict())
    twin.push(mean=entry(5))
    window_state = window.state_dict()
    assert all(torch.equal(window_state[name], value) for name, value in before.items())
