"""What the normalizers of a network will see: channels and places, known before torch is.

So an option that fits no layer is refused when an experiment is described, not when it is trained.
"""

from bkn.cards import Layers, Options, Shape


def convnet(options: Options, shape: Shape) -> Layers:
    """Two convolutions per stage; all stages but the first halve the picture."""
    (_, height, width), layers = shape, []
    for i in range(int(options["depth"])):
        stage, second = divmod(i, 2)
        if stage and not second:
            height, width = _half(height), _half(width)
        layers.append((int(options["width"]) * 2**stage, height * width))
    return tuple(layers)


def resnet(options: Options, shape: Shape) -> Layers:
    """The stem's norm, two per block but one in the first, and the last."""
    n, first = int(options["n"]), int(options["width"])
    _, height, width = shape
    now, layers = first, [(first, height * width)]
    for block in range(3 * n):
        if block:
            layers.append((now, height * width))
        out = first * 2 ** (block // n)
        if out > now:
            height, width = _half(height), _half(width)
        layers.append((out, height * width))
        now = out
    return (*layers, (now, height * width))


def mlp(options: Options, shape: Shape) -> Layers:
    """Vectors."""
    return ((int(options["width"]), 1),) * int(options["depth"])


def _half(size: int) -> int:
    return -(-size // 2)
