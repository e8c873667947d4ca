"""Card of batch group normalization."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "batch_group",
    "Batch group norm",
    "A statistic runs over the micro-batch and a group of channels. The fewer images there are, "
    "the larger the groups, so that there are always enough values to average. Channels of one "
    "group share a scale, which the layer must learn to live with.",
    "bkn.normalizers.batch_group:BatchGroupNorm",
    (
        Param(
            "groups",
            "auto",
            "Groups that channels and places are cut into; 'auto' goes by the micro-batch and "
            "keeps channels whole.",
            1,
            4096,
            ("auto",),
            integer=True,
            divides="values",
        ),
    ),
    family="batch",
    year=2020,
    paper="Zhou, Sun, Ye et al. 2020",
    link="https://arxiv.org/abs/2012.02782",
    equations=(
        r"\mu_g = \operatorname{mean}_{m,\,(C,H,W)/G}\, x, \quad "
        r"\sigma_g^2 = \operatorname{var}_{m,\,(C,H,W)/G}\, x",
        r"y = \gamma_c \frac{x - \mu_g}{\sqrt{\sigma_g^2 + \epsilon}} + \beta_c",
    ),
    shares=("images", "channel group", "places"),
    training="Mean and variance of the micro-batch, per group.",
    evaluation="Running averages per group; the batch is never looked at.",
    note="'auto' is the paper's number for each batch size, 512 groups at 128 images down to 1 at "
    "2, with at most one group per channel. That limit is ours: our layers are so narrow that "
    "the paper's numbers would cut through the pictures. With as many groups as channels it is "
    "batch norm.",
    stores="running mean and variance per group",
    batch_statistics=True,
    colors=("#33BBEE", "#1F7FA3"),
    dash="4px,2px",
)
