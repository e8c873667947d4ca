"""Card of proxy normalization."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "proxy",
    "Proxy norm",
    "Group norm leaves channels with means and scales of their own, which scale, shift and "
    "activation drive apart from layer to layer. What these three do to a normal distribution "
    "needs no image to be known. So its mean and variance behind the activation are computed, "
    "and every channel is normalized once more by them.",
    "bkn.normalizers.proxy:ProxyNorm",
    (
        Param(
            "groups",
            4,
            "Channel groups of the group norm; must divide the channels. 1 is layer norm.",
            1,
            512,
            integer=True,
            divides="channels",
        ),
        Param(
            "eps_proxy",
            0.03,
            "Added to the proxy's variance, which vanishes where a channel is always off.",
            0.0001,
            1.0,
        ),
    ),
    placement="bkn.surgery.placement:with_activation",
    family="image",
    year=2021,
    paper="Labatie, Masters, Eaton-Rosen & Luschi 2021",
    link="https://arxiv.org/abs/2106.03743",
    equations=(
        r"y = \frac{x - \mu_{n,g}}{\sqrt{\sigma_{n,g}^2 + \epsilon}}, \quad "
        r"z = \varphi(\gamma_c y + \beta_c)",
        r"\tilde Y \sim \mathcal{N}\big(\tilde\beta_c, (1 + \tilde\gamma_c)^2\big)",
        r"\tilde z = \frac{z - \operatorname{E} \varphi(\gamma_c \tilde Y + \beta_c)}"
        r"{\sqrt{\operatorname{Var} \varphi(\gamma_c \tilde Y + \beta_c) + \tilde\epsilon}}",
    ),
    shares=("channel group", "places"),
    training="The same as evaluation.",
    evaluation="The same as training.",
    stands="In place of batch norm and the activation behind it, whatever that is. At the end of "
    "a residual branch, where no activation follows, it is group norm alone.",
    note="The integral is a mean over 256 fixed nodes, and its eps is 0.03, both as in the paper. "
    "The paper has layer norm or group norm in front; 4 groups are what our group norm has. The "
    "paper decays the proxy's mean and scale; here they have no weight decay, as no scale or "
    "shift has.",
    colors=("#BB5566", "#7E3542"),
    dash="12px,3px,3px,3px,3px,3px",
)
