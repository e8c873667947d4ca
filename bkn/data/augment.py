"""Augmentation: copies of an image that are shifted, and training images cropped and flipped.

Both move an image by up to an eighth of its size. What uncovers at a border is the border itself
where several copies of an image are in a step, and zero, the mean of standardized images, where
every image is padded and cropped, as networks for CIFAR-10 are trained. Moves and flips are drawn
on the CPU from a seed that the caller names, so that a batch is a pure function of it on every
device.
"""

import torch
from torch import Tensor

SHARE = 8  # of the size: so many parts, one of which is the largest shift


def reach(size: int) -> int:
    """Pixels that an image of this height or width is shifted by at most."""
    return max(1, size // SHARE)


def draw_shifts(images: int, copies: int, height: int, width: int, seed: int) -> Tensor:
    """Shifts in pixels, down and right: int64 (images, copies, 2), on the CPU.

    The copies of one image differ as long as there are shifts left (9 on 8x8, 81 on 32x32); then
    the shifts begin anew.

    Args:
        images, copies: how many.
        height, width: of an image, in pixels.
        seed: of the draw; the global random state is left alone.
    """
    rows, columns = 2 * reach(height) + 1, 2 * reach(width) + 1
    rounds = -(-copies // (rows * columns))
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(images, rounds, rows * columns, generator=generator).argsort(-1)
    drawn = order.flatten(1)[:, :copies]
    down, right = drawn // columns - reach(height), drawn % columns - reach(width)
    return torch.stack((down, right), dim=-1)


def draw_crops(images: int, height: int, width: int, seed: int) -> tuple[Tensor, Tensor]:
    """Shifts (images, 2) and flips (images,) as truth values, on the CPU.

    Every shift is as likely as any other, a flip as likely as none, all independent. The shifts
    are the same whether or not the flips are used.

    Args:
        images: how many.
        height, width: of an image, in pixels.
        seed: of the draw; the global random state is left alone.
    """
    generator = torch.Generator().manual_seed(seed)
    both = [
        torch.randint(-reach(size), reach(size) + 1, (images,), generator=generator)
        for size in (height, width)
    ]
    flips = torch.randint(2, (images,), generator=generator) == 1
    return torch.stack(both, dim=-1), flips


def shift(images: Tensor, shifts: Tensor) -> Tensor:
    """Move every image (n, C, H, W) by its shift (n, 2) down and right, in pixels."""
    rows, columns = _sources(images, shifts)
    return _taken(images, rows, columns)


def crop(images: Tensor, shifts: Tensor, flips: Tensor | None = None) -> Tensor:
    """Pad every image (n, C, H, W) with zeros, crop it moved by its shift, and mirror it.

    Args:
        images: standardized.
        shifts: (n, 2) down and right, in pixels.
        flips: (n,) which of them change left and right, after the crop; None: none.
    """
    height, width = images.shape[2:]
    rows, columns = _sources(images, shifts)
    if flips is not None:
        columns = torch.where(flips.to(images.device)[:, None], columns.flip(1), columns)
    seen = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None
    ]
    taken = _taken(images, rows, columns)
    return torch.where(seen[:, None], taken, taken.new_zeros(()))


def _sources(images: Tensor, shifts: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (n, H) and columns (n, W) that the pixels of shifted images come from, maybe outside."""
    height, width = images.shape[2:]
    shifts = shifts.to(images.device)
    line = torch.arange(max(height, width), device=images.device)
    return line[:height] - shifts[:, :1], line[:width] - shifts[:, 1:]


def _taken(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels at these rows and columns; beyond a border the border's."""
    height, width = images.shape[2:]
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    places = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)  # (n, H * W)
    index = places.unsqueeze(1).expand(-1, images.shape[1], -1)
    return images.flatten(2).gather(2, index).view_as(images)
