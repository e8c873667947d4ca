"""Card of switchable normalization."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "switchable",
    "Switchable norm",
    "Statistics of the image's channel, of the whole image and of the micro-batch are blended. "
    "Each layer learns their weights, one set for the mean and one for the variance. Where the "
    "micro-batch is too small to say much, training may turn its weight down.",
    "bkn.normalizers.switchable:SwitchableNorm",
    (
        Param(
            "variance",
            "biased",
            "Divide by the number of values, as batch norm does when it normalizes; the authors' "
            "code has the unbiased variance of the places.",
            choices=("biased", "unbiased"),
        ),
    ),
    family="mixed",
    year=2018,
    paper="Luo, Ren, Peng, Zhang & Li 2018",
    link="https://arxiv.org/abs/1806.10779",
    equations=(
        r"\mu = \sum_k w_k\, \mu_k, \quad \sigma^2 = \sum_k w_k'\, \sigma_k^2",
        r"k \in \{\text{instance}, \text{layer}, \text{batch}\}",
        r"w = \operatorname{softmax}(\lambda), \quad w' = \operatorname{softmax}(\lambda')",
        r"y = \gamma_c \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta_c",
    ),
    shares=("images", "channels", "places"),
    training="The blend of the three kinds of statistics.",
    evaluation="The same blend, with running averages for the micro-batch's part.",
    note="Weights start equal, as in the paper. Two things differ from the authors' code: the "
    "variance is biased unless asked for, so that each kind alone is exactly the norm of that "
    "name, and its running average starts at 1 like batch norm's, not at 0. On vectors there is "
    "no instance part.",
    stores="running mean and variance of the micro-batch's part",
    batch_statistics=True,
    colors=("#EE7733", "#AE5420"),
    dash="18px,3px,6px,3px",
)
