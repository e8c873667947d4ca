"""Shifts, crops and flips: pure functions of their seed, as far and as often as they say."""

import pytest
import torch
import torch.nn.functional as F

from bkn.data.augment import crop, draw_crops, draw_shifts, reach, shift


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


SMALL = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])


@pytest.mark.parametrize(
    ("by", "flipped", "expected"),
    [
        ((0, 0), False, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        ((0, 0), True, [[3, 2, 1], [6, 5, 4], [9, 8, 7]]),
        ((1, 0), False, [[0, 0, 0], [1, 2, 3], [4, 5, 6]]),
        ((-1, 1), False, [[0, 4, 5], [0, 7, 8], [0, 0, 0]]),
        ((-1, 1), True, [[5, 4, 0], [8, 7, 0], [0, 0, 0]]),
        ((0, -1), True, [[0, 3, 2], [0, 6, 5], [0, 9, 8]]),
    ],
)
def test_a_crop_pads_with_zeros_and_mirrors_what_it_has_cropped(by, flipped, expected):
    images = SMALL.expand(1, 2, 3, 3)
    got = crop(images, torch.tensor([by]), torch.tensor([flipped]))
    assert got.tolist() == [[expected, expected]]


def test_a_crop_equals_padding_and_cropping_one_image_at_a_time():
    images = torch.rand(40, 3, 8, 12)
    shifts, flips = draw_crops(40, 8, 12, seed=4)
    got = crop(images, shifts, flips)
    for image, (down, right), flip, one in zip(images, shifts.tolist(), flips, got, strict=True):
        padded = F.pad(image, (1, 1, 1, 1))
        expected = padded[:, 1 - down : 9 - down, 1 - right : 13 - right]
        assert torch.equal(one, expected.flip(-1) if flip else expected)
    assert torch.equal(crop(images, shifts), crop(images, shifts, torch.zeros(40).bool()))


def test_every_shift_is_as_likely_as_any_other_and_half_are_flipped():
    shifts, flips = draw_crops(81_000, 32, 32, seed=0)
    counts = torch.bincount((shifts[:, 0] + 4) * 9 + shifts[:, 1] + 4, minlength=81)
    assert len(counts) == 81
    assert counts.min() > 850  # 1,000 expected, 32 the standard deviation
    assert counts.max() < 1150
    assert abs(flips.double().mean() - 0.5) < 0.01
    together = torch.stack((*shifts.unbind(1), flips.long())).double()
    assert (torch.corrcoef(together) - torch.eye(3)).abs().max() < 0.02


def test_crops_are_a_function_of_the_seed_and_leave_the_global_state_alone():
    before = torch.get_rng_state()
    one, again, other = (draw_crops(64, 32, 32, seed) for seed in (5, 5, 6))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[0], other[0])
    assert not torch.equal(one[1], other[1])
    assert torch.equal(torch.get_rng_state(), before)
