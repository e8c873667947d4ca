"""Options that several methods have."""

from bkn.cards import Param

RUNNING = Param(
    "running",
    "mean",
    "Which micro-batches feed the running statistics: the mean of all, or the first (authors).",
    choices=("mean", "first"),
)
GROUPS = Param(
    "groups",
    4,
    "Channel groups; must divide the channels.",
    1,
    512,
    integer=True,
    divides="channels",
)
