"""Three filters with one update: the paper's text, the authors' code, and the adaptive one.

Paper: Wang et al. (2018), https://arxiv.org/abs/1802.03133. Code of the authors:
https://github.com/wanggrun/Kalman-Normalization, kalman_norm.py.
"""

from typing import NamedTuple

from app.kalman.equations import number
from app.kalman.scene import Scene
from bkn.replay import FLOOR, UPDATES, Moments

AUTHORS = 0.1  # their gain for micro-batches


class Filter(NamedTuple):
    """One of the three, in words."""

    title: str
    prior: str
    gain: str
    noise: str
    guard: str
    learned: str
    stored: str
    evaluation: str


RUNNING = "Running averages of the posterior; no prior, no batch."
FILTERS = {
    "paper": Filter(
        "The paper's text",
        "A linear map A of the moments below, plus a covariance R.",
        "One free number q.",
        "R, added to the predicted covariance.",
        "None.",
        "A, R and q, as we read it, with the weights.",
        "Running mean and variance.",
        RUNNING,
    ),
    "authors": Filter(
        "The authors' code",
        "One image of Gaussian noise with the moments below goes through ReLU and the real "
        "weights.",
        "A constant: 0.1 for micro-batches, 0.95 for large ones.",
        "None.",
        "A layer whose prior variances are on average 100 times the observed ones uses its batch "
        "alone.",
        "Nothing.",
        "Running mean and variance, of the first micro-batch only.",
        RUNNING,
    ),
    "adaptive": Filter(
        "The adaptive filter",
        "The moments below through ReLU and weights in closed form, less the bias that earlier "
        "innovations showed.",
        "Computed: P / (P + R), for mean and variance apart.",
        "R: how far the observations of a step lie apart. P: what innovations hold beyond it.",
        "As the authors', but by the geometric average.",
        "Nothing by gradient; bias, P and R by averages over steps.",
        "Running mean and variance, the bias, P and R.",
        RUNNING,
    ),
}
ROWS = {
    "prior": "Prior", "gain": "Gain", "noise": "Noise", "guard": "Guard", "learned": "Learned",
    "stored": "Stored", "evaluation": "In evaluation",
}  # fmt: skip


class Placed(NamedTuple):
    """Where a filter puts its posterior."""

    key: str
    label: str
    posterior: Moments


def placed(scene: Scene) -> list[Placed]:
    """The posterior of each filter from the same prior and observation, where that is possible.

    The adaptive filter has met this prior for many steps: on sliders the bias is then known, its
    prior is the truth, and its gain is the least there is. A recorded one only speaks for itself.
    """
    if scene.prior is None or scene.corrected:
        return [Placed("adaptive", "Adaptive filter", scene.posterior)] if scene.corrected else []
    q = scene.gain if scene.asked is None else scene.asked
    aside = scene.guarded
    found = [
        Placed("paper", f"Paper's text, q = {number(q)}", scene.at(q)),
        Placed(
            "authors",
            "Authors' code, guard: batch alone" if aside else f"Authors' code, q = {AUTHORS}",
            scene.seen if aside else scene.at(AUTHORS),
        ),
    ]
    if not scene.recorded and scene.truth is not None:
        settled = UPDATES[scene.rule](scene.truth, scene.seen, FLOOR, None)
        found.append(Placed("adaptive", f"Adaptive, later: q = {FLOOR}", settled))
    return found
