"""Card of filter response normalization."""

from bkn.cards import MethodCard

CARD = MethodCard(
    "frn",
    "Filter response norm",
    "Each channel of each image is divided by its own root mean square; the mean stays. A layer "
    "can so drift below zero everywhere, where a ReLU would kill it, so a learned threshold "
    "takes the ReLU's place. It never looks at other images or other channels.",
    "bkn.normalizers.filter_response:FilterResponseNorm",
    placement="bkn.surgery.placement:with_activation",
    family="image",
    year=2019,
    paper="Singh & Krishnan 2019",
    link="https://arxiv.org/abs/1911.09737",
    equations=(
        r"\nu_{n,c}^2 = \operatorname{mean}_{H,W}\, x^2",
        r"y = \gamma_c \frac{x}{\sqrt{\nu_{n,c}^2 + \epsilon}} + \beta_c, \quad "
        r"z = \max(y, \tau_c)",
    ),
    shares=("places",),
    training="The same as evaluation.",
    evaluation="The same as training.",
    stands="In place of batch norm and the activation behind it. At the end of a residual branch, "
    "where no activation follows, without the threshold.",
    note="All as in the paper. On vectors and 1x1 maps, of which only the signs would be left, "
    "eps is learned, one per layer, from 0.0001; elsewhere it is 0.000001. The paper wants a "
    "warm-up of the learning rate, which our schedule has. Scale, shift, threshold and eps "
    "have no weight decay here, as for every method.",
    shift_invariant=False,
    colors=("#CC6677", "#8F3F4E"),
    dash="7px,7px",
)
