"""Card of cross-iteration batch normalization."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "cross_iteration",
    "Cross-iteration BN",
    "A few images say little about a channel, so the statistics of the last few batches are "
    "averaged. The earlier batches went through other weights, so their statistics are moved to "
    "the present ones by a first-order step in the weight of the layer in front. What has changed "
    "in the layers further below is left out.",
    "bkn.normalizers.cross_iteration:CrossIterationNorm",
    (
        Param(
            "window", 4, "Batches averaged, the present one included; 1 is batch norm.", 1, 64,
            integer=True,
        ),
        Param("burnin", 0.08, "Before this it is plain batch norm.", 0.0, 1.0, of_steps=True),
    ),
    placement="bkn.surgery.with_layer:with_layer",
    family="memory",
    year=2021,
    paper="Yao, Cao, Zheng, Huang & Lin 2021",
    link="https://arxiv.org/abs/2002.05712",
    equations=(
        r"\mu_j' = \mu_j + \frac{\partial \mu_j}{\partial W_j}\,(W_t - W_j)",
        r"\nu_j' = \nu_j + \frac{\partial \nu_j}{\partial W_j}\,(W_t - W_j), \quad "
        r"\nu = \operatorname{mean}\, x^2",
        r"\hat\mu = \tfrac{1}{k} \sum_j \mu_j', \quad "
        r"\hat\sigma^2 = \tfrac{1}{k} \sum_j \max(\nu_j', \mu_j'^2) - \hat\mu^2",
        r"y = \gamma_c \frac{x - \hat\mu}{\sqrt{\hat\sigma^2 + \epsilon}} + \beta_c",
    ),
    shares=("images", "places", "past"),
    training="Moments of this and the last three micro-batches, moved to the present weights.",
    evaluation="Running averages of the present micro-batches; the batch is never looked at.",
    note="Window and burn-in are the authors' for ImageNet, 8 of about 100 epochs; here it is a "
    "share. Each micro-batch stands for a device with a window of its own. Where no layer with "
    "weights feeds the norm directly, as behind a residual sum or a concatenation, earlier "
    "statistics are averaged without being moved. The floor is the paper's max(nu, mu^2); the "
    "authors' code leaves such entries out. Scales start at 1 (their code: random), and eps is "
    "added below the root, as everywhere here. The gradient takes earlier statistics, moved ones "
    "too, as constants.",
    stores="running mean and variance; for each earlier batch of the window: moments, their "
    "derivatives by the weight, and that weight",
    batch_statistics=True,
    estimates=True,
    remembers=True,
    exact_gradient=False,
    scale_invariant=False,
    shift_invariant=False,
    colors=("#117733", "#0B4A20"),
    dash="12px,4px",
)  # fmt: skip
