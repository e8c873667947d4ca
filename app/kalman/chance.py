"""What chance deals: images of a channel, or right away the statistics of many micro-batches."""

from functools import lru_cache

import numpy as np

from app.kalman.settings import FREE
from bkn.replay import Moments, Real

DRAWS = 2000  # micro-batches that averages are taken over
MOST_IMAGES, MOST_PLACES = int(FREE["m"].high or 0), int(FREE["places"].high or 0)


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


@lru_cache(maxsize=64)
def chances(m: int, places: int) -> tuple[Real, Real, Real]:
    """Standard draws of a mean, and sums of squares between and within images, DRAWS each."""
    stream = np.random.default_rng(0)
    normal = stream.standard_normal(DRAWS)
    between = stream.chisquare(m - 1, DRAWS) if m > 1 else np.zeros(DRAWS)
    within = stream.chisquare(m * (places - 1), DRAWS) if places > 1 else np.zeros(DRAWS)
    return normal, between, within


def observations(truth: Moments, noise: float, m: int, places: int) -> Moments:
    """Means and biased variances of DRAWS micro-batches, without drawing their images.

    For normal values the mean, the squares between images and those within them are independent:
    a normal number and two of chi square.
    """
    normal, between, within = chances(m, places)
    alone = noise + (1 - noise) / places  # variance of one image's mean, over the truth's
    mean = truth.mean + np.sqrt(truth.var * alone / m) * normal
    return Moments(mean, truth.var * (alone * between / m + (1 - noise) * within / (m * places)))
