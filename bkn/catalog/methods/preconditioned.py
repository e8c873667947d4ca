"""Card of batch normalization preconditioning."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "preconditioned",
    "Preconditioning",
    "The activations are left alone; the gradients are changed instead. Each weight layer keeps "
    "moving averages of its inputs' mean and variance, and its gradient is turned into the step "
    "that batch norm's coordinates would have given. The averages run over many steps, so even "
    "steps of a single image are enough.",
    "bkn.normalizers.preconditioned:Preconditioned",
    (
        Param(
            "rho",
            0.99,
            "Share of the past in the moving averages of the inputs; the first steps are "
            "averaged evenly.",
            0.0,
            0.9999,
        ),
        Param("e1", 0.01, "This share of a layer's greatest variance is added to all.", 0.0, 1.0),
        Param(
            "e2",
            0.03,
            "Added to all variances; no gradient grows by more than its inverse.",
            1e-6,
            10.0,
        ),
    ),
    placement="bkn.normalizers.preconditioned_placement:place",
    family="weights",
    year=2022,
    paper="Lange, Helfrich & Ye 2022",
    link="https://arxiv.org/abs/2108.01110",
    equations=(
        r"\tilde\sigma^2 = \sigma^2 + \epsilon_1 \max_i \sigma_i^2 + \epsilon_2, \quad "
        r"q^2 = \max(n_{\text{in}} / B,\, 1)",
        r"\Delta W = \frac{1}{q^2} \left( \nabla_W - \nabla_b\, \mu^\top \right) "
        r"\operatorname{diag}(1 / \tilde\sigma^2)",
        r"\Delta b = \frac{1}{q^2} \nabla_b - \Delta W\, \mu",
    ),
    training="Nothing; the gradients of all weight layers are transformed before the step.",
    evaluation="Nothing.",
    stands="In front of every weight layer, the classifier too, watching; batch norm's places "
    "stay empty and all weight layers get a bias.",
    note="Averages and formulas are the paper's. The variance between steps counts as well, and "
    "the averages have no bias towards their start: ours, so that steps of one image and short "
    "trainings work. e2 is ours too: 0.0001 diverges at the lab's learning rate of 0.05, where "
    "0.01 to 0.1 learn alike. Without the classifier it learned less. Zero padding makes the "
    "step of a convolution approximate.",
    exact_gradient=True,
    scale_invariant=False,
    shift_invariant=False,
    stores="mean and variance of each weight layer's inputs",
    colors=("#AA4499", "#7A2E6E"),
    dash="2px,4px",
)
