"""Shifts: pure functions of their seed, as far as they say, filled with the border."""

import pytest
import torch
import torch.nn.functional as F

from bkn.data.augment import draw_shifts, reach, shift


def pictures(count: int = 5, size: int = 8, channels: int = 3) -> torch.Tensor:
    shape = (count, channels, size, size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("size", "pixels"), [(8, 1), (32, 4), (4, 1), (28, 3)])
def test_an_eighth_of_the_size_and_one_pixel_at_least(size, pixels):
    assert reach(size) == pixels
    drawn = draw_shifts(500, 4, size, size, seed=0)
    assert drawn.shape == (500, 4, 2)
    assert (drawn.min(), drawn.max()) == (-pixels, pixels)


def test_shifts_are_a_function_of_the_seed_and_leave_the_global_state_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, again, other = (draw_shifts(16, 4, 32, 32, seed) for seed in (5, 5, 6))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("size", "copies", "distinct"), [(8, 4, 4), (8, 9, 9), (8, 32, 9)])
def test_the_copies_of_an_image_differ_while_there_are_shifts_left(size, copies, distinct):
    for image in draw_shifts(20, copies, size, size, seed=1):
        assert len(image.unique(dim=0)) == distinct
        assert len(image.unique(dim=0, return_counts=True)[1].unique()) <= 2  # evenly spread


@pytest.mark.parametrize("by", [(0, 0), (1, 0), (0, -2), (-3, 2)])
def test_a_shift_pads_with_the_border_and_crops(by):
    images, (down, right) = pictures(), by
    padded = F.pad(images, (4, 4, 4, 4), mode="replicate")
    expected = padded[:, :, 4 - down : 12 - down, 4 - right : 12 - right]
    assert torch.equal(shift(images, torch.tensor([by] * 5)), expected)


def test_every_image_takes_its_own_shift_on_pictures_that_are_not_square():
    images = torch.rand(3, 2, 4, 9)
    shifts = torch.tensor([[1, -1], [0, 0], [-1, 1]])
    alone = [shift(images[i : i + 1], shifts[i : i + 1]) for i in range(3)]
    assert torch.equal(shift(images, shifts), torch.cat(alone))
    assert torch.equal(alone[1], images[1:2])
