"""Card of instance normalization."""

from bkn.cards import MethodCard

CARD = MethodCard(
    "instance",
    "Instance norm",
    "Each channel of each image is normalized by itself. It was made for changing the style of "
    "pictures, where contrast is to be forgotten. What a channel says by its mere brightness is "
    "lost, so a classifier behind it may see little.",
    "bkn.normalizers.classic:InstanceNorm",
    family="image",
    year=2016,
    paper="Ulyanov, Vedaldi & Lempitsky 2016",
    link="https://arxiv.org/abs/1607.08022",
    equations=(
        r"\mu_{n,c},\ \sigma_{n,c}^2 \text{ over } (H, W)",
        r"y = \gamma_c \frac{x - \mu_{n,c}}{\sqrt{\sigma_{n,c}^2 + \epsilon}} + \beta_c",
    ),
    shares=("places",),
    training="The same as evaluation.",
    evaluation="The same as training.",
    note="Right in front of the average over all places nothing is left of an image, and behind "
    "an activation little. On the binary convnet, where none follows, it cannot learn.",
    needs_space=True,
    colors=("#D55E00", "#A04000"),
    dash="dashdot",
)
