"""Make digits.npz from scikit-learn's copy of the data: python assets/digits/make.py

The split is drawn here, once, and stored, so that no library's random stream can ever change it.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TEST = 447
FILE = Path(__file__).with_name("digits.npz")


def stratified(labels: np.ndarray, size: int, seed: int = 0) -> np.ndarray:
    """True for `size` members, each class in proportion (largest remainders first)."""
    counts = np.bincount(labels)
    exact = counts * size / len(labels)
    quota = np.floor(exact).astype(int)
    quota[np.argsort(quota - exact, kind="stable")[: size - quota.sum()]] += 1
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=bool)
    for digit, n in enumerate(quota):
        chosen[rng.permutation(np.flatnonzero(labels == digit))[:n]] = True
    return chosen


if __name__ == "__main__":
    digits = load_digits()
    np.savez_compressed(
        FILE,
        images=digits.images.astype(np.uint8),  # (1797, 8, 8), 0 to 16
        labels=digits.target.astype(np.uint8),  # (1797,)
        test=stratified(digits.target, TEST),  # (1797,), true for the test split
    )
    print(f"{FILE}: {FILE.stat().st_size} bytes")
