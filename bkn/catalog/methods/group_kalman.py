"""Card of group Kalman normalization."""

from bkn.cards import MethodCard, Param
from bkn.catalog.methods._shared import GROUPS

CARD = MethodCard(
    "group_kalman",
    "Group Kalman norm",
    "Each image is filtered by itself: what group norm sees of it is blended with what the layers "
    "below predict for this very image. The batch size does not matter, and evaluation computes "
    "what training did. It is an experiment: the paper names the combination but published no "
    "code, so this is our reading of it.",
    "bkn.normalizers.group_kalman:GroupKalmanNorm",
    (
        Param(
            "gain",
            0.1,
            "Weight of the observation: 1 trusts the image alone (group norm), 0 the layers "
            "below; 'learned' trains one gain per group.",
            0.0,
            1.0,
            ("learned",),
            live=True,
        ),
        GROUPS,
        Param(
            "transition",
            "moments",
            "How the prior is made: the posterior's moments in closed form, or the moments after "
            "normalization.",
            choices=("moments", "normalized"),
        ),
    ),
    family="belief",
    year=2018,
    paper="Wang, Peng, Luo, Wang & Lin 2018",
    link="https://arxiv.org/abs/1802.03133",
    equations=(
        r"\mu_g^{\text{prior}} = \operatorname{mean}_{c \in g}\, \mu_c",
        r"\sigma_g^{2\,\text{prior}} = \operatorname{mean}_{c \in g}\, \sigma_c^2 "
        r"+ \operatorname{var}_{c \in g}\, \mu_c",
        r"\hat\mu = (1-q)\,\mu_g^{\text{prior}} + q\,\bar x_{n,g}",
        r"\begin{aligned} \hat\sigma^2 = {} & (1-q)\,\sigma_g^{2\,\text{prior}} + q\,s_{n,g}^2 \\ "
        r"& + q(1-q)\,(\bar x_{n,g} - \mu_g^{\text{prior}})^2 \end{aligned}",
        r"y = \gamma_c \frac{x - \hat\mu}{\sqrt{\hat\sigma^2 + \epsilon}} + \beta_c",
    ),
    shares=("channel group", "places", "below"),
    training="The same as evaluation.",
    evaluation="The same as training: each image's posterior.",
    note="Experimental. The paper reports the combination with group norm, without public code; "
    "the pooling of the prior to groups and the guard per image are ours. Gain and groups are "
    "those of the authors' Kalman and group norm.",
    uses_prior=True,
    has_gain=True,
    scale_invariant=False,
    shift_invariant=False,
    colors=("#228833", "#145A20"),
    dash="20px,4px",
)
