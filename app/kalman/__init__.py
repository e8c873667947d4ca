"""The Kalman page's parts: one update of the filter in numbers, and how it is told."""
