"""Options that several methods have."""

from bkn.cards import Param

RUNNING = Param(
    "running",
    "mean",
    "Which micro-batches feed the running statistics: the mean of all, or the first (authors).",
    choices=("mean", "first"),
)
