"""How far does the gradient's direction lead downhill?

Bjorck et al. 2018, https://arxiv.org/abs/1806.02375: the loss after a step of size a
against the gradient g, relative to the loss before it. With normalization much larger a still
lower the loss.
"""

import numpy as np

from bkn.diagnostics.subject import Pulse, Subject, unhurried
from bkn.probe.frozen import frozen

SIZES = tuple(float(f"{a:.3g}") for a in np.logspace(-4, 2, 13))  # two per decade


def loss_along_gradient(
    subject: Subject, sizes: tuple[float, ...] = SIZES, pulse: Pulse = unhurried
) -> dict[str, list[float] | float]:
    """L(w - a g) / L(w) on the same batch, by the statistics that it has at the moved weights.

    Args:
        subject: gives L, w and g.
        sizes: of the step, a; they compare with a learning rate without momentum.
        pulse: called between passes.

    Returns:
        `loss` L(w) in nats, `sizes`, and `ratio`: one per size, not finite where the loss is
        not, or where nothing was left to lose.
    """
    parameters, gradient = subject.parameters(), subject.gradient()

    def loss(size: float) -> float:
        pulse()
        moved = {k: p.detach() - size * gradient[k] for k, p in parameters.items()}
        with frozen(subject.model):
            return subject.loss(moved).item()

    here = loss(0.0)
    after = [loss(a) for a in sizes]
    ratio = [one / here if here else float("nan") for one in after]
    return {"loss": here, "sizes": list(sizes), "ratio": ratio}
