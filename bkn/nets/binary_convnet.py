"""A convnet of binary convolutions, each with a shortcut around it.

Papers: Liu, Wu, Luo, Yang, Liu & Cheng (2018), https://arxiv.org/abs/1808.00278 (Bi-Real Net);
Chen, Zhang, Ouyang, Liu, Shen & Wang (2021), https://arxiv.org/abs/2104.08215 ("BNN - BN = ?")

The sign of the activations is convolved with the sign of the weights; the norm behind brings the
sums back to scale, and the shortcut carries what the signs lost. The first convolution and the
classifier have real weights and see real numbers, as usual for binary networks.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bkn.nets.binary import BinaryConv2d, Sign
from bkn.nets.init import check_size, conv3x3, unit_variance_init


class Stem(nn.Module):
    """Convolution with real weights, norm."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.conv = conv3x3(channels, width)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class BinaryLayer(nn.Module):
    """Sign, binary convolution, norm, beside the shortcut.

    Where the channels double, the picture is halved; the shortcut is then a 2x2 average pool, its
    channels taken twice.

    Args:
        channels_in: in front of the layer.
        channels_out: behind it, as many or twice as many.
    """

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.grows = channels_out > channels_in
        stride = 2 if self.grows else 1
        self.sign = Sign()
        self.conv = BinaryConv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(self.sign(x))) + self.shortcut(x)

    def shortcut(self, x: Tensor) -> Tensor:
        if not self.grows:
            return x
        # ceil_mode keeps the last row of an odd size, as the strided convolution does.
        pooled = F.avg_pool2d(x, 2, ceil_mode=True)
        return torch.cat([pooled, pooled], 1)


class BinaryConvNet(nn.Module):
    """`stem`, binary layers `layer1` to `layer{depth - 1}`, then average and classify.

    Two convolutions per stage; every stage but the first halves the picture and doubles the
    channels: 16-16-32-32-64-64 by default, of which the first is the stem's.

    Args:
        channels: of the images (N, channels, height, width).
        size: (height, width) of the images, in pixels.
        classes: number of outputs.
        depth: convolutions, the real one too.
        width: channels of the first stage.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], classes: int, depth: int = 6, width: int = 16
    ):
        super().__init__()
        check_size(size, channels=channels, classes=classes, depth=depth, width=width)
        self.depth = depth
        self.stem = Stem(channels, width)
        now = width
        for i in range(1, depth):
            out = width * 2 ** (i // 2)
            self.add_module(f"layer{i}", BinaryLayer(now, out))
            now = out
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(now, classes)
        unit_variance_init(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for i in range(1, self.depth):
            x = self.get_submodule(f"layer{i}")(x)
        return self.classify(self.pool(x).flatten(1))
