"""A stack of 3x3 convolutions, each with its norm and ReLU: the lab's default network."""

from torch import Tensor, nn

from bkn.nets.init import check_size, conv3x3, unit_variance_init


class ConvLayer(nn.Module):
    """Convolution, norm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, stride: int):
        super().__init__()
        self.conv = conv3x3(channels_in, channels_out, stride)
        self.norm = nn.BatchNorm2d(channels_out)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.norm(self.conv(x)))


class ConvNet(nn.Module):
    """Layers `layer1` to `layer{depth}`, two per stage, then average and classify.

    Every stage but the first halves the picture and doubles the channels: 16-16-32-32-64-64 by
    default.

    Args:
        channels: of the images (N, channels, height, width).
        size: (height, width) of the images, in pixels.
        classes: number of outputs.
        depth: convolutions.
        width: channels of the first stage.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], classes: int, depth: int = 6, width: int = 16
    ):
        super().__init__()
        check_size(size, channels=channels, classes=classes, depth=depth, width=width)
        self.depth = depth
        for i in range(depth):
            stage, second = divmod(i, 2)
            out = width * 2**stage
            stride = 2 if stage > 0 and not second else 1
            self.add_module(f"layer{i + 1}", ConvLayer(channels, out, stride))
            channels = out
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(channels, classes)
        unit_variance_init(self)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.depth):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.classify(self.pool(x).flatten(1))
