"""Card of positional normalization."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "positional",
    "Positional norm",
    "Each place of each image is normalized by itself, over its channels. The paper made it for "
    "generators, where the removed means and deviations show structure and are put back later. In "
    "a classifier nothing puts them back, so how bright a place is gets lost.",
    "bkn.normalizers.positional:PositionalNorm",
    (
        Param(
            "variance",
            "biased",
            "Over C values the variance is biased; the authors' PyTorch code has the unbiased one.",
            choices=("biased", "unbiased"),
        ),
    ),
    family="image",
    year=2019,
    paper="Li, Wu, Weinberger & Belongie 2019",
    link="https://arxiv.org/abs/1907.04312",
    equations=(
        r"\mu_{n,h,w},\ \sigma_{n,h,w}^2 \text{ over } C",
        r"y = \gamma_c \frac{x - \mu_{n,h,w}}{\sqrt{\sigma_{n,h,w}^2 + \epsilon}} + \beta_c",
    ),
    shares=("channels",),
    training="The same as evaluation.",
    evaluation="The same as training.",
    note="In the paper it has no scale and shift and stands beside other norms of a generator. "
    "Scale and shift per channel, as every method here has them, are ours, and so is its use "
    "alone in a classifier. The moment shortcut is there as a function.",
    needs_space=True,
    colors=("#DDCC77", "#A8963F"),
    dash="2px,2px",
)
