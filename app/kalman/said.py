"""What came of one update, in one sentence."""

from app.figures.filter_error import ADAPTIVE, IN_USE
from app.figures.spec import listed
from app.kalman.averaged import Curve
from app.kalman.scene import Scene, deviation
from app.palette import FILTER, Pair
from bkn.replay import Moments

NEAR = 0.05  # deviations of the truth that two misses may differ and still count as equal


def outcome(scene: Scene) -> str:
    """How far prior, observation and posterior are from the true mean, as HTML."""
    if scene.truth is None:
        return ""
    truth = scene.truth
    known = [("observation", scene.seen), ("posterior", scene.posterior)]
    if scene.prior is not None:
        known.insert(0, ("prior", scene.prior))
    misses = {name: miss(one, truth) for name, one in known}
    parts = [f"{colored(name)} by {value:.2f} σ" for name, value in misses.items()]
    if not scene.blended:
        return f"The true mean is missed by the {listed(parts)}. Here the prior has no say."
    best = min(misses, key=lambda name: misses[name])
    level = [name for name, value in misses.items() if value <= misses[best] + NEAR]
    verdict = {
        "prior": "This time the layers below knew better than the images.",
        "observation": "This time the images alone would have been better.",
        "posterior": "The blend is nearer than either.",
    }[best if "posterior" not in level else "posterior"]
    if len(level) > 1 and "posterior" in level:
        others = [name for name in level if name != "posterior"]
        verdict = f"The blend is as near as the {listed(others)}."
    return f"The true mean is missed by the {listed(parts)}. {verdict}"


def miss(one: Moments, truth: Moments) -> float:
    """Distance from the true mean, in deviations of the truth."""
    return abs(float(one.mean - truth.mean)) / deviation(truth)


def colored(name: str) -> str:
    """A role in its colour."""
    pair: Pair = FILTER[name]
    return f'<b style="color:light-dark({pair[0]}, {pair[1]})">{name}</b>'


def gains(scene: Scene) -> dict[str, tuple[float, float]]:
    """Gains that are marked on the curve: of the mean and of the variance."""
    marks = {IN_USE: (scene.gain, scene.var_gain)}
    return marks if scene.suggested is None else marks | {ADAPTIVE: scene.suggested}


def origin(curve: Curve, scene: Scene) -> str:
    """How the curve was averaged, and what the adaptive mark is."""
    if scene.suggested is None:
        return curve.origin
    return (
        f"{curve.origin} Adaptive: what {scene.innovations} micro-batches speak for by their "
        "innovations, without the truth, before the prior's bias is removed."
    )
