"""The moving average that is drawn in front of the raw loss; nothing else is ever smoothed."""

import numpy as np

SHARE = 0.03  # of the steps so far
LEAST = 5  # steps


def window(steps: np.ndarray) -> int:
    """Width of the moving average, in steps: a rounded share of what has been trained."""
    so_far = float(steps[-1] - steps[0]) if len(steps) else 0.0
    wish = max(LEAST, SHARE * so_far)
    scale = 10 ** max(int(np.floor(np.log10(wish))) - 1, 0)
    return int(round(wish / scale) * scale)


def moving_average(steps: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
    """Mean of the finite values in the last `width` steps, at every step; shape as `values`."""
    finite = np.isfinite(values)
    total = np.concatenate(([0.0], np.cumsum(np.where(finite, values, 0.0), dtype=float)))
    count = np.concatenate(([0], np.cumsum(finite)))
    first = np.searchsorted(steps, np.asarray(steps) - width, side="right")
    last = np.arange(1, len(steps) + 1)
    within = count[last] - count[first]
    mean = (total[last] - total[first]) / np.maximum(within, 1)
    return np.where((within > 0) & finite, mean, np.nan)
