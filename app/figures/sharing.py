"""Which cells of a small batch share a statistic: a pure function of a card's `shares`.

The batch is drawn with four images of four channels and 2x2 places. A micro-batch has two of the
images; where statistics are taken by domain it has all four, of two domains that take turns.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHAPE = (4, 4, 2, 2)  # N, C, H, W
MICRO_BATCH = 2
CHANNEL_GROUP = 2
DOMAINS = 2


def share_parts(shares: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The two halves of a statistic's id at every cell: among images, and within an image.

    Args:
        shares: keys of AXES that one statistic runs over; "past" and "below" reach outside of the
            batch and part nothing in it.

    Returns:
        Two (N, C, H, W), counted from 0.
    """
    n, c, h, w = np.indices(SHAPE)
    if "images" not in shares and "domain" not in shares:
        among = n
    elif "domain" in shares:
        among = n % DOMAINS
    else:
        among = n // MICRO_BATCH
    within = np.zeros(SHAPE, dtype=np.int64)
    if "channels" not in shares:
        within = c // CHANNEL_GROUP if "channel group" in shares else c
    if "places" not in shares:
        within = (within * SHAPE[2] + h) * SHAPE[3] + w
    return among, within


def share_map(shares: Sequence[str]) -> NDArray[np.int64]:
    """Number of the statistic that every cell belongs to, (N, C, H, W); -1: to none."""
    if not shares:
        return np.full(SHAPE, -1)
    among, within = share_parts(shares)
    return among * (within.max() + 1) + within
