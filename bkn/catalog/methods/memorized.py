"""Card of memorized batch normalization."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "memorized",
    "Memorized BN",
    "The statistics of the last few batches are remembered, the newer weighing more, and the "
    "present batch is one of them. After each step the batch goes through the network once more, "
    "so that what is remembered fits the new weights. Evaluation follows the same rule, with the "
    "memory alone.",
    "bkn.normalizers.memorized:MemorizedNorm",
    (
        Param(
            "entries", 8, "Batches averaged, the present one included; 1 is batch norm.", 1, 64,
            integer=True,
        ),
        Param("ratio", 0.5, "Weight of a batch over that of the next newer one.", 0.01, 1.0),
    ),
    placement="bkn.normalizers.memorized_placement:called_once",
    family="memory",
    year=2018,
    paper="Guo, Wu, Deng, Chen & Tan 2018",
    link="https://arxiv.org/abs/2010.04947",
    equations=(
        r"\hat\mu = \sum_j a_j \mu_j, \quad a_j \propto \rho^{\,j}, \quad \sum_j a_j = 1",
        r"\hat\sigma^2 = \sum_j a_j \left(\sigma_j^2 + (\mu_j - \hat\mu)^2\right)",
        r"y = \gamma_c \frac{x - \hat\mu}{\sqrt{\hat\sigma^2 + \epsilon}} + \beta_c",
    ),
    shares=("images", "places", "past"),
    training="The present micro-batch together with those in memory; then the batch goes through "
    "again, and its new statistics take the place of the old.",
    evaluation="The memory alone, averaged over the micro-batches; the batch is never looked at.",
    note="Entries and ratio are ours: the paper's values are not known to us, and no code was "
    "published. A ratio near 1 remembers longer, but then hardly any gradient passes the "
    "statistics, and a short training at a high learning rate gets nowhere. With one tiny "
    "micro-batch a step, evaluation rests on few images, and a ratio near 1 does better. Each "
    "micro-batch "
    "stands for a device with a memory of its own; evaluation uses the average of what the "
    "memories say. A step costs about a third more. A network that calls one norm layer twice is "
    "refused.",
    stores="mean and variance of each micro-batch in memory, and their mixture",
    batch_statistics=True,
    estimates=True,
    remembers=True,
    scale_invariant=False,
    shift_invariant=False,
    colors=("#44AA99", "#2C7A6E"),
    dash="6px,2px,2px,2px",
)  # fmt: skip
