"""Figures: pure functions from a race's tail cache to what `app.live.figure` draws.

*Training*: `loss`, `accuracy`. *Estimates*: `error_heat`, `estimates`. *Filter*: `gain`,
`innovation`.
"""

from app.figures.estimates import estimates
from app.figures.gains import gain, innovation
from app.figures.heat import error_heat
from app.figures.spec import Spec
from app.figures.training import accuracy, loss

__all__ = ["Spec", "accuracy", "error_heat", "estimates", "gain", "innovation", "loss"]
