"""A scene from sliders: chance deals images, the rest is the filter's own arithmetic."""

from functools import lru_cache

import numpy as np

from app.kalman.scene import Below, Scene
from app.kalman.settings import FREE, Settings
from bkn.replay import UPDATES, Moments, Real, moments, rectified, usable

MOST_IMAGES, MOST_PLACES = int(FREE["m"].high or 0), int(FREE["places"].high or 0)
BELIEF = moments(0.5, 1.0)  # of the channels below, one for all
RULE = "mixture"  # of the paper


@lru_cache(maxsize=64)
def dealt(draw: int) -> tuple[Real, Real]:
    """Standard normal numbers of one deal: one per image, and one per image and place.

    As many as the sliders can ask for, so that an image stays itself while m grows.
    """
    stream = np.random.default_rng(draw)
    return stream.standard_normal(MOST_IMAGES), stream.standard_normal((MOST_IMAGES, MOST_PLACES))


def values(truth: Moments, noise: float, m: int, places: int, draw: int) -> Real:
    """What m images show, (m, places): each value comes from the truth.

    The share `noise` of the variance is common to all places of an image, the rest is each
    place's own.
    """
    own, local = dealt(draw)
    image, place = own[:m, None], local[:m, :places]
    return truth.mean + np.sqrt(truth.var) * (np.sqrt(noise) * image + np.sqrt(1 - noise) * place)


def mean_noise(truth: Moments, noise: float, m: int, places: int) -> float:
    """Variance of a micro-batch's mean about the truth: that between images, over m."""
    return float(truth.var * (noise + (1 - noise) / places) / m)


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
        set_aside=not passes, guarded=not passes,
    )  # fmt: skip
