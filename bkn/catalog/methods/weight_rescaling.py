"""Card of weight rescaling."""

from bkn.cards import MethodCard, Param
from bkn.catalog.methods._shared import RUNNING

CARD = MethodCard(
    "weight_rescaling",
    "Weight rescaling",
    "Behind batch norm the length of a filter does not change the output, yet the longer it grows "
    "the less a step turns it. After each step every filter is divided by its length, so that the "
    "learning rate keeps its meaning without weight decay. The micro-batch normalizes as in batch "
    "norm, with the same noise.",
    "bkn.normalizers.weight_rescaling:WeightRescaling",
    (
        Param(
            "granularity",
            "filter",
            "What is brought to length one: each filter, or all filters of a layer by one factor, "
            "on average.",
            choices=("filter", "layer"),
        ),
        Param("every", 1, "Steps between two rescalings.", 1, 1000, integer=True),
        RUNNING,
    ),
    placement="bkn.normalizers.weight_rescaling_placement:place",
    family="weights",
    year=2021,
    paper="Liu, Cui, Wan, Mao & Chan 2021",
    link="https://arxiv.org/abs/2102.03497",
    equations=(
        r"w_o \leftarrow w_o / \lVert w_o \rVert_2 \text{ after each step}",
        r"y = \gamma_c \frac{x - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c",
    ),
    shares=("images", "places"),
    training="Mean and variance of the micro-batch; filters in front of a norm have length one.",
    evaluation="Running averages; the batch is never looked at.",
    note="Unit length is the paper's; granularity and how often are ours to choose, since we "
    "could not check its schedule. Rescaled weights have no weight decay, and they are rescaled "
    "once before training. The running averages are rescaled along, which is ours.",
    batch_statistics=True,
    estimates=True,
    stores="running mean and variance; steps taken",
    colors=("#882255", "#5C1539"),
    dash="9px,2px,4px,2px",
)
