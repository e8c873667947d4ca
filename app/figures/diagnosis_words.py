"""A diagnosis in words: what the curvature allows, and how much of a step is noise."""

from collections.abc import Mapping
from typing import Any

from app.figures.spec import percent

Report = Mapping[str, Any]


def fisher_words(report: Report) -> str:
    """What the largest Fisher eigenvalue says about the learning rate of one entrant."""
    fisher = report.get("fisher")
    if fisher is None:
        return "The largest Fisher eigenvalue took too long on this network and was left out."
    if fisher["lambda_max"] is None:
        return "The outputs are not finite at these weights, so no learning rate can be said."
    if not fisher["bound"]:
        return "The outputs do not depend on the weights here, so no learning rate is too high."
    bound, rate = fisher["bound"], report["lr"]
    verdict = (
        "above it" if rate > bound else "close to it" if rate > bound / 2 else "safely below it"
    )
    words = (
        f"At these weights a learning rate above {bound:.2g} would overshoot in the steepest "
        "direction and swing ever wider; "
        f"the race now uses {rate:.2g}, {verdict}."
    )
    if fisher["converged"]:
        return words
    return (
        f"{words} The eigenvalue was still rising after {fisher['iterations']} iterations: the "
        "true limit is lower."
    )


def noise_words(report: Report) -> str:
    """How much of a step's gradient is noise; empty where there is only one micro-batch."""
    noise = report.get("noise")
    if noise is None or noise["of_step"] is None or not noise["squared"]:
        return ""
    share = min(1.0, noise["of_step"] / noise["squared"])
    return (
        f"About {percent(share)} of the squared gradient of a step of {report['images']} images is "
        f"noise: so much do its micro-batches of {noise['micro_batch']} disagree."
    )
