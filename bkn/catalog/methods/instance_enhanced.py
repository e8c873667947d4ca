"""Card of instance enhancement batch normalization."""

from bkn.cards import MethodCard, Param
from bkn.catalog.methods._shared import RUNNING

CARD = MethodCard(
    "instance_enhanced",
    "Instance enhanced",
    "The micro-batch normalizes, and each image then turns its own channels up or down. A gate "
    "between 0 and 1 does that, made of the channel's mean in this image by two learned numbers. "
    "It can damp what the other images of the micro-batch did to this one.",
    "bkn.normalizers.instance_enhanced:InstanceEnhancedBatchNorm",
    (
        Param(
            "gate_start",
            -1.0,
            "Where all gates begin, before the sigmoid: -1 lets 27 % through, 2 lets 88 %.",
            -10.0,
            10.0,
        ),
        RUNNING,
    ),
    family="mixed",
    year=2020,
    paper="Liang, Huang, Liang & Yang 2020",
    link="https://arxiv.org/abs/1908.04008",
    equations=(
        r"\delta_{n,c} = \operatorname{sigmoid}\!\left(\hat\gamma_c \,"
        r"\operatorname{mean}_{H,W} x + \hat\beta_c\right)",
        r"y = \gamma_c\, \delta_{n,c}\, \frac{x - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c",
    ),
    shares=("images", "places"),
    training="Mean and variance of the micro-batch, times a gate from each image.",
    evaluation="Running averages, times the same gate; no other image is looked at.",
    note="Everything is as in the paper and its code: the gate starts at sigmoid(-1) = 0.27 for "
    "every image, and is computed from the layer's input before normalization. Such small outputs "
    "slow down the first hundred steps, which is all that a short training has; there a higher "
    "start does better.",
    stores="running mean and variance",
    batch_statistics=True,
    estimates=True,
    scale_invariant=False,
    shift_invariant=False,
    colors=("#4477AA", "#2C5480"),
    dash="14px,3px,2px,3px",
)
