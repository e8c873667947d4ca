"""Card of Kalman normalization."""

from bkn.cards import MethodCard, Param
from bkn.catalog.methods._shared import RUNNING

CARD = MethodCard(
    "kalman",
    "Kalman norm",
    "Two images say little about a channel, but the layers below already hold a belief about it. "
    "Pushed through the weights, that is the prior. The micro-batch is then one noisy "
    "observation of the same moments, weighed in by the gain.",
    "bkn.normalizers.kalman:KalmanNorm",
    (
        Param(
            "gain",
            0.1,
            "Weight of the observation: 1 trusts the micro-batch alone (batch norm), 0 the "
            "layers below; 'learned' trains one gain per channel; 'adaptive' computes it and the "
            "prior's bias.",
            0.0,
            1.0,
            ("learned", "adaptive"),
            live=True,
            offered=True,
        ),
        Param(
            "transition",
            "moments",
            "How the prior is made: the posterior's moments in closed form, the authors' "
            "sampled image, the moments after normalization, or the paper's text: a learned "
            "linear map and a learned noise for every layer on the way. The adaptive gain takes "
            "'normalized' unless told otherwise.",
            choices=("moments", "sampled", "normalized", "learned"),
            offered=True,
            default_where=("gain", "adaptive", "normalized"),
        ),
        Param(
            "rate",
            0.15,
            "How fast the adaptive gain forgets: weight of a step in its averages. Other gains "
            "have none.",
            0.01,
            1.0,
        ),
        RUNNING,
    ),
    family="belief",
    year=2018,
    paper="Wang, Peng, Luo, Wang & Lin 2018",
    link="https://arxiv.org/abs/1802.03133",
    equations=(
        r"\hat\mu = (1-q)\,\mu^{\text{prior}} + q\,\bar x",
        r"\hat\sigma^2 = (1-q)\,\sigma^{2\,\text{prior}} + q\,s^2 "
        r"+ q(1-q)\,(\bar x - \mu^{\text{prior}})^2",
        r"y = \gamma_c \frac{x - \hat\mu}{\sqrt{\hat\sigma^2 + \epsilon}} + \beta_c",
    ),
    shares=("images", "places", "below"),
    training="The posterior: the micro-batch's moments blended with the prediction from below.",
    evaluation="Running averages of the posterior; neither prior nor batch is looked at.",
    note="The gain is the authors' for micro-batches; for large ones they use 0.95. As theirs, a "
    "layer leaves its prior alone where that has variances 100 times too large on average. On "
    "vectors with two values per statistic it nearly always does, and this is batch norm. "
    "The adaptive gain is ours: how far observation and prior were apart in earlier steps, beyond "
    "what the spread between micro-batches explains, tells the prior's bias and uncertainty, and "
    "the gain is that uncertainty's share. Its averages, like the running ones, are made from all "
    "micro-batches of a step ('running' first: from one), and act from the next step on; so do the "
    "averages of the gradients by mean and variance that its backward pass uses. Without a prior "
    "the layer's own past stands in.",
    batch_statistics=True,
    estimates=True,
    uses_prior=True,
    has_gain=True,
    scale_invariant=False,
    shift_invariant=False,
    stores="running mean and variance; the gain when learned; when adaptive the averages of the "
    "prior's bias, its power, the noise and the gradients by mean and variance; with the learned "
    "transition a map and a noise per layer",
    colors=("#009E73", "#785EF0", "#E69F00", "#56B4E9"),
    dash="solid",
)
