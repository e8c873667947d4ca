"""Card of group normalization."""

from bkn.cards import MethodCard
from bkn.catalog.methods._shared import GROUPS

CARD = MethodCard(
    "group",
    "Group norm",
    "Each image is normalized by itself, over groups of channels. It never looks at other images, "
    "so the batch size does not matter to it. Channels of one group share a scale, which the "
    "layer must learn to live with.",
    "bkn.normalizers.classic:GroupNorm",
    (GROUPS,),
    family="image",
    year=2018,
    paper="Wu & He 2018",
    link="https://arxiv.org/abs/1803.08494",
    equations=(
        r"\mu_{n,g},\ \sigma_{n,g}^2 \text{ over } (C/G, H, W)",
        r"y = \gamma_c \frac{x - \mu_{n,g}}{\sqrt{\sigma_{n,g}^2 + \epsilon}} + \beta_c",
    ),
    shares=("channel group", "places"),
    training="The same as evaluation.",
    evaluation="The same as training.",
    note="The paper has 32 groups of at least 2 channels; the authors of Kalman normalization "
    "use 4 on small networks, as we do.",
    colors=("#CC79A7", "#8C4A74"),
    dash="dot",
)
