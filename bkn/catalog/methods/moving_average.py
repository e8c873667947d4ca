"""Card of moving average batch normalization."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "moving_average",
    "Moving average BN",
    "Batch norm's gradient holds batch statistics too, and with few images they are as noisy as "
    "those of the forward pass. Here the weights are centred, so that no mean is needed, and only "
    "the second moment and one statistic of the gradient are left. Both are averages over the "
    "last batches, and after a while the running average itself normalizes.",
    "bkn.normalizers.moving_average:MovingAverageNorm",
    (
        Param("window", 16, "Batches averaged, the present one included.", 1, 64, integer=True),
        Param(
            "warmup", 0.02, "Before this the present batch alone is used.", 0.0, 1.0,
            of_steps=True,
        ),
    ),
    placement="bkn.normalizers.moving_average_placement:with_centred_weights",
    family="memory",
    year=2020,
    paper="Yan, Wan, Zhang, Zhang, Wei & Sun 2020",
    link="https://arxiv.org/abs/2001.06838",
    equations=(
        r"W \leftarrow W - \operatorname{mean}_{C_{in},k,k} W",
        r"\chi^2 = \tfrac{1}{k} \sum_j \operatorname{mean}\, x_j^2, \quad "
        r"z = \frac{x}{\sqrt{\chi^2 + \epsilon}}",
        r"y = \gamma_c\, r\, z + \beta_c, \quad r = \operatorname{clip}_{1/5}^{5} "
        r"\sqrt{\frac{\chi^2 + \epsilon}{\chi^2_{\text{run}} + \epsilon}}",
        r"\frac{\partial L}{\partial x} = \frac{g - z\,\psi}{\sqrt{\chi^2 + \epsilon}}",
        r"\psi = \tfrac{1}{k} \sum_j \operatorname{mean}\, g_j z_j, \quad "
        r"g = \gamma_c\, r \frac{\partial L}{\partial y}",
    ),
    shares=("images", "places", "past"),
    training="The second moment of the last micro-batches, later its running average; no mean.",
    evaluation="The running second moment; the batch is never looked at.",
    stands="In place of batch norm; the layers with weights in front of it are centred and lose "
    "their bias.",
    note="The window is the authors' for 2 images per device in place of 32. They warm up for 100 "
    "of some 600,000 steps and correct from the 1,000th on; here both are shares, ten times apart, "
    "and windows that are not full yet are averaged too. "
    "Their running average moves by 0.02 a step; short trainings need the 0.1 of the batch norm "
    "that is replaced. Each micro-batch stands for a device with windows of its own; the running "
    "average is shared.",
    stores="running second moment; second moments and gradient statistics of earlier batches",
    batch_statistics=True,
    estimates=True,
    remembers=True,
    exact_gradient=False,
    scale_invariant=False,
    shift_invariant=False,
    colors=("#999933", "#6B6B1F"),
    dash="10px,3px,3px,3px",
)  # fmt: skip
