"""Card of EvoNorm-S0."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "evonorm_s0",
    "EvoNorm-S0",
    "A search over formulas, not a person, put norm and activation together in one piece. A "
    "smooth rectifier with a learned bend is divided by the deviation of a group of channels of "
    "the image. It never looks at other images, and never removes a mean.",
    "bkn.normalizers.evonorm:EvoNormS0",
    (
        Param(
            "groups",
            8,
            "Channel groups; lowered until it divides the channels into groups of two or more.",
            1,
            512,
            integer=True,
        ),
    ),
    placement="bkn.normalizers.evonorm:in_place_of_activations",
    family="image",
    year=2020,
    paper="Liu, Brock, Simonyan & Le 2020",
    link="https://arxiv.org/abs/2004.02967",
    equations=(
        r"\sigma_{n,g}^2 = \operatorname{var}_{C/G,H,W}\, x",
        r"y = \gamma_c \frac{x\, \operatorname{sigmoid}(v_c x)}"
        r"{\sqrt{\sigma_{n,g}^2 + \epsilon}} + \beta_c",
    ),
    shares=("channel group", "places"),
    training="The same as evaluation.",
    evaluation="The same as training.",
    stands="In place of batch norm and the activation behind it. Where no activation follows, it "
    "only scales and shifts: it is made for networks with norm and activation before each "
    "weight layer.",
    note="The paper has 32 groups on networks of 64 to 2048 channels, so of at least two channels; "
    "ours have 16 to 64 channels, hence 8 groups. The authors lower the number until it "
    "divides the channels; that no group is a single channel is ours. A constant image is "
    "multiplied by 316, since its mean stays and its deviation is nothing but eps.",
    scale_invariant=False,
    shift_invariant=False,
    needs_activation=True,
    colors=("#EE3377", "#A81F50"),
    dash="5px,5px",
)
