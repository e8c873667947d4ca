"""A scene from sliders: chance deals images, the rest is the filter's own arithmetic."""

import numpy as np

from app.kalman.chance import mean_noise, observations, values
from app.kalman.scene import Below, Scene
from app.kalman.settings import Settings
from bkn.replay import UPDATES, Moments, innovation_gains, moments, rectified, usable

DEVICES = 32  # micro-batches whose innovations are looked at, as of a batch of 64 in pairs
BELIEF = moments(0.5, 1.0)  # of the channels below, one for all
RULE = "mixture"  # of the paper


def suggested(settings: Settings) -> tuple[float, float]:
    """The gains that DEVICES micro-batches of this world speak for by their innovations."""
    truth = moments(settings["truth_mean"], settings["truth_var"])
    seen = observations(truth, settings["noise"], settings["m"], settings["places"])
    prior = moments(*np.full((2, DEVICES), [[settings["prior_mean"]], [settings["prior_var"]]]))
    return innovation_gains(prior, Moments(seen.mean[:DEVICES], seen.var[:DEVICES]))


def below(prior: Moments) -> Below:
    """A layer below and weights that make exactly this prior.

    All channels hold BELIEF; behind the ReLU, weights w make the mean (sum w) e and the variance
    (sum w^2) v of its mean e and variance v, as the rule of a linear layer has it.
    """
    passed = rectified(float(BELIEF.mean), float(BELIEF.var))
    total, squares = float(prior.mean / passed.mean), float(prior.var / passed.var)
    return Below((BELIEF,), passed, total, squares)


def scene(settings: Settings) -> Scene:
    """The update that the sliders describe."""
    truth = moments(settings["truth_mean"], settings["truth_var"])
    prior = moments(settings["prior_mean"], settings["prior_var"])
    noise, m, places = settings["noise"], settings["m"], settings["places"]
    shown = values(truth, noise, m, places, settings["draw"])
    seen = moments(shown.mean(), shown.var())
    passes = usable(prior, seen)
    gain = settings["q"] if passes else 1.0
    return Scene(
        prior, seen, UPDATES[RULE](prior, seen, gain, None), gain, gain, RULE,
        below(prior), truth, shown, m, places, mean_noise(truth, noise, m, places),
        set_aside=not passes, guarded=not passes, asked=settings["q"],
        suggested=suggested(settings), innovations=DEVICES,
    )  # fmt: skip
