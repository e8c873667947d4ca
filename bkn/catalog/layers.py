"""What the normalizers of a network will see: channels and places, known before torch is.

So an option that fits no layer is refused when an experiment is described, not when it is trained.
"""

from collections.abc import Callable

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


SHRINKS: dict[str, Callable[[int], int]] = {  # what becomes of a height or width
    "u": lambda n: (n + 1) // 2,  # stride 2, padded; or a pool that keeps the last row
    "d": lambda n: n // 2,  # 2x2 pool; or a 3x3 pool without padding that keeps the last row
    "v": lambda n: (n - 1) // 2,  # 3x3 with stride 2, without padding
    "b": lambda n: n - 2,  # 3x3 without padding
}


def shrunk(letters: str, size: int, stem: str) -> int:
    """A height or width behind the layers that the letters stand for; below 1: nothing is left.

    Args:
        letters: of SHRINKS; capital ones do nothing in a small stem.
        size: in front of them.
        stem: "small" or "original".
    """
    for letter in letters:
        if letter.islower() or stem == "original":
            size = SHRINKS[letter.lower()](size) if size > 0 else 0
    return size
