"""Augmentation: every copy of an image is shifted otherwise, by up to an eighth of its size.

What uncovers at a border is filled with the border itself. The shifts are drawn on the CPU from
a seed that the caller names, so that a batch is a pure function of it on every device.
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


def shift(images: Tensor, shifts: Tensor) -> Tensor:
    """Move every image (n, C, H, W) by its shift (n, 2) down and right, in pixels."""
    height, width = images.shape[2:]
    shifts = shifts.to(images.device)
    line = torch.arange(max(height, width), device=images.device)
    rows = (line[:height] - shifts[:, :1]).clamp(0, height - 1)
    columns = (line[:width] - shifts[:, 1:]).clamp(0, width - 1)
    places = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)  # (n, H * W)
    index = places.unsqueeze(1).expand(-1, images.shape[1], -1)
    return images.flatten(2).gather(2, index).view_as(images)
