"""What the benchmarks report with: means with intervals, and Markdown tables of them."""

from bkn.stats import LEVEL, mean_interval
from bkn.tables import markdown, percent

__all__ = ["LEVEL", "markdown", "mean_interval", "percent"]
