"""Card of batch normalization."""

from bkn.cards import MethodCard
from bkn.catalog.methods._shared import RUNNING

CARD = MethodCard(
    "batch",
    "Batch norm",
    "Each micro-batch is normalized by its own mean and variance per channel. With few images "
    "these are noisy, and every image is disturbed by its neighbours. Evaluation uses running "
    "averages instead, so what was trained is not quite what is tested.",
    "bkn.normalizers.batch:BatchNorm",
    (RUNNING,),
    family="batch",
    year=2015,
    paper="Ioffe & Szegedy 2015",
    link="https://arxiv.org/abs/1502.03167",
    equations=(
        r"\mu_c = \operatorname{mean}_{m,H,W}\, x, \quad "
        r"\sigma_c^2 = \operatorname{var}_{m,H,W}\, x",
        r"y = \gamma_c \frac{x - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c",
    ),
    shares=("images", "places"),
    training="Mean and variance of the micro-batch.",
    evaluation="Running averages; the batch is never looked at.",
    batch_statistics=True,
    estimates=True,
    stores="running mean and variance",
    colors=("#0072B2", "#56B4E9"),
    dash="dash",
)
