"""Fully connected layers, each with its norm and ReLU: no space, vectors only."""

from torch import Tensor, nn

from bkn.nets.init import check_size, unit_variance_init


class DenseLayer(nn.Module):
    """Linear, norm, ReLU."""

    def __init__(self, units_in: int, units_out: int):
        super().__init__()
        self.linear = nn.Linear(units_in, units_out, bias=False)
        self.norm = nn.BatchNorm1d(units_out)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.norm(self.linear(x)))


class MLP(nn.Module):
    """Layers `layer1` to `layer{depth}` on the flattened image, then classify.

    Args:
        channels: of the images (N, channels, height, width).
        size: (height, width) of the images, in pixels.
        classes: number of outputs.
        depth: hidden layers.
        width: units per hidden layer.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], classes: int, depth: int = 4, width: int = 128
    ):
        super().__init__()
        check_size(size, channels=channels, classes=classes, depth=depth, width=width)
        self.depth = depth
        self.flatten = nn.Flatten()
        units = channels * size[0] * size[1]
        for i in range(depth):
            self.add_module(f"layer{i + 1}", DenseLayer(units, width))
            units = width
        self.classify = nn.Linear(units, classes)
        unit_variance_init(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.flatten(x)
        for i in range(self.depth):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.classify(x)
