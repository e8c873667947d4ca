"""Card of the independent-component layer."""

from bkn.cards import MethodCard, Param
from bkn.catalog.methods._shared import RUNNING

CARD = MethodCard(
    "ic",
    "Independent components",
    "Batch norm and a little dropout stand directly before each weight layer, behind the "
    "activation below. Norm makes the layer's inputs equally loud, dropout makes them less alike, "
    "and both together come close to making them independent. The statistics are those of batch "
    "norm, and with few images they are as noisy.",
    "bkn.normalizers.independent:IndependentComponent",
    (
        Param("dropout", 0.05, "Probability that a value is dropped in training.", 0.0, 0.9),
        RUNNING,
    ),
    placement="bkn.normalizers.independent:place",
    family="batch",
    year=2019,
    paper="Chen, Chen, Shi, Hsieh, Liao & Zhang 2019",
    link="https://arxiv.org/abs/1905.05928",
    equations=(
        r"\hat x = \gamma_c \frac{x - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c",
        r"y = \frac{b}{1 - p}\, \hat x, \quad b \sim \operatorname{Bernoulli}(1 - p)",
    ),
    shares=("images", "places"),
    training="Mean and variance of the micro-batch, then dropout of single values.",
    evaluation="Running averages and no dropout; the batch is never looked at.",
    stands="Before every weight layer but the classifier, also on the picture itself; the batch "
    "norms are removed. On a shortcut with weights it only normalizes: shortcuts stay free of "
    "dropout.",
    note="The dropout rate is small, 0.05, as in the paper. Dropout raises the variance that the "
    "layers above see in training by 1 / (1 - p), and so the averages that they evaluate with. "
    "In a binary network it stands in front of the sign, for which a dropped value counts as "
    "positive. "
    "Weight layers without a bias stay without one, although the norm behind them is gone.",
    stores="running mean and variance",
    batch_statistics=True,
    estimates=True,
    colors=("#88CCEE", "#4E8FB3"),
    dash="3px,3px",
)
