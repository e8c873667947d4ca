"""Card of layer normalization."""

from bkn.cards import MethodCard

CARD = MethodCard(
    "layer",
    "Layer norm",
    "Each image is normalized by itself, over all channels at once. It never looks at other "
    "images, so the batch size does not matter to it. One loud channel turns all others down.",
    "bkn.normalizers.classic:LayerNorm",
    family="image",
    year=2016,
    paper="Ba, Kiros & Hinton 2016",
    link="https://arxiv.org/abs/1607.06450",
    equations=(
        r"\mu_n,\ \sigma_n^2 \text{ over } (C, H, W)",
        r"y = \gamma_c \frac{x - \mu_n}{\sqrt{\sigma_n^2 + \epsilon}} + \beta_c",
    ),
    shares=("channels", "places"),
    training="The same as evaluation.",
    evaluation="The same as training.",
    note="Scale and shift are per channel, so that they do not tie the layer to one image size.",
    colors=("#A6761D", "#8C6D31"),
    dash="longdash",
)
