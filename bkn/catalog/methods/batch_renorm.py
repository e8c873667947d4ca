"""Card of batch renormalization."""

from bkn.cards import MethodCard, Param
from bkn.catalog.methods._shared import RUNNING

CARD = MethodCard(
    "batch_renorm",
    "Batch renorm",
    "The micro-batch normalizes, but its result is moved to where the running averages would have "
    "put it. Training then computes what evaluation will compute, while gradients still flow "
    "through the micro-batch's statistics. The correction is clipped, and let in slowly as the "
    "averages become worth trusting.",
    "bkn.normalizers.batch_renorm:BatchRenorm",
    (
        Param("rmax", 3.0, "Largest correction of the scale; 1 corrects nothing.", 1.0, 100.0),
        Param(
            "dmax",
            5.0,
            "Largest correction of the shift, in standard deviations; 0 corrects nothing.",
            0.0,
            100.0,
        ),
        Param(
            "start", 0.1, "Plain batch norm until this share of the steps.", 0.0, 1.0, of_steps=True
        ),
        Param(
            "rmax_by",
            0.8,
            "Share of the steps by which rmax is reached.",
            0.0,
            1.0,
            of_steps=True,
            at_least="start",
        ),
        Param(
            "dmax_by",
            0.5,
            "Share of the steps by which dmax is reached.",
            0.0,
            1.0,
            of_steps=True,
            at_least="start",
        ),
        Param("momentum", 0.1, "Weight of the new value in the running averages.", 0.0001, 1.0),
        RUNNING,
    ),
    family="memory",
    year=2017,
    paper="Ioffe 2017",
    link="https://arxiv.org/abs/1702.03275",
    equations=(
        r"r = \operatorname{clip}_{[1/r_{\max},\, r_{\max}]} \frac{\sigma_B}{\sigma}, \quad "
        r"d = \operatorname{clip}_{[-d_{\max},\, d_{\max}]} \frac{\mu_B - \mu}{\sigma}",
        r"y = \gamma_c \left( \frac{x - \mu_B}{\sigma_B}\, r + d \right) + \beta_c",
        r"\mu \leftarrow \mu + \alpha (\mu_B - \mu), \quad "
        r"\sigma \leftarrow \sigma + \alpha (\sigma_B - \sigma)",
    ),
    shares=("images", "places", "past"),
    training="Moments of the micro-batch, corrected towards the running averages within limits.",
    evaluation="Running averages; the batch is never looked at.",
    note="The paper trains some 50,000 steps or more: batch norm for 5,000, dmax reached at "
    "25,000, rmax at 40,000. The shares are these steps over 50,000. Its averages move by 0.01 a "
    "step; ours by 0.1, because a training here has a hundred steps, not many thousands.",
    stores="running mean and deviation, steps planned and seen",
    batch_statistics=True,
    estimates=True,
    remembers=True,
    exact_gradient=False,
    scale_invariant=False,
    shift_invariant=False,
    colors=("#332288", "#6A5ACD"),
    dash="8px,3px",
)
