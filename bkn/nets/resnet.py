"""The 6n+2 pre-activation ResNet for small images.

Paper: He, Zhang, Ren & Sun (2016), https://arxiv.org/abs/1603.05027

Norm and ReLU stand before each convolution, so that the residual stream itself is only added
to. The first block has no leading norm: the stem ends with one. Where the channels double, the
shortcut is a 2x2 average pool and new channels of zeros on both sides, without any weights.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from bkn.nets.init import check_size, conv3x3, unit_variance_init


class Stem(nn.Module):
    """Convolution, norm, ReLU."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.conv = conv3x3(channels, width)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class Block(nn.Module):
    """Norm, ReLU, convolution, twice, beside the shortcut.

    Args:
        channels_in: of the stream in front of the block.
        channels_out: behind it; more of them also halve the picture.
        leading: begin with a norm and ReLU; the first block stands behind the stem's.
    """

    def __init__(self, channels_in: int, channels_out: int, leading: bool = True):
        super().__init__()
        self.grow = channels_out - channels_in
        self.norm0 = nn.BatchNorm2d(channels_in) if leading else None
        self.conv0 = conv3x3(channels_in, channels_out, stride=2 if self.grow else 1)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv1 = conv3x3(channels_out, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        branch = x if self.norm0 is None else F.relu(self.norm0(x))
        branch = F.relu(self.norm1(self.conv0(branch)))
        return self.conv1(branch) + self.shortcut(x)

    def shortcut(self, x: Tensor) -> Tensor:
        if not self.grow:
            return x
        # ceil_mode keeps the last row of an odd size, as the strided convolution does.
        x = F.avg_pool2d(x, 2, ceil_mode=True)
        before = self.grow // 2
        return F.pad(x, (0, 0, 0, 0, before, self.grow - before))


class Last(nn.Module):
    """Norm, ReLU and the average over all places."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(x)).mean((2, 3))


class ResNet(nn.Module):
    """`stem`, `block1` to `block{3n}`, `last`, `classify`: 6n+2 layers with weights.

    Args:
        channels: of the images (N, channels, height, width); odd sizes are fine.
        size: (height, width) of the images, in pixels.
        classes: number of outputs.
        n: blocks in each of the three stages.
        width: channels of the first stage; the others have twice and four times as many.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], classes: int, n: int = 1, width: int = 16
    ):
        super().__init__()
        check_size(size, channels=channels, classes=classes, n=n, width=width)
        self.blocks = 3 * n
        self.stem = Stem(channels, width)
        now = width
        for i in range(self.blocks):
            out = width * 2 ** (i // n)
            self.add_module(f"block{i + 1}", Block(now, out, leading=i > 0))
            now = out
        self.last = Last(now)
        self.classify = nn.Linear(now, classes)
        unit_variance_init(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for i in range(self.blocks):
            x = self.get_submodule(f"block{i + 1}")(x)
        return self.classify(self.last(x))
