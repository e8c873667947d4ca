"""Card of the control group."""

from bkn.cards import MethodCard

CARD = MethodCard(
    "none",
    "No norm",
    "No statistics at all: a learned scale and shift per channel. It shows what the network can "
    "do by itself, at this depth and from these initial weights. At a high learning rate nothing "
    "holds its activations back, and it diverges.",
    "bkn.normalizers.classic:NoNorm",
    family="control",
    year=0,
    equations=(r"y = \gamma x + \beta",),
    scale_invariant=False,
    shift_invariant=False,
    training="The same as evaluation.",
    evaluation="The same as training.",
    colors=("#999999", "#666666"),
    dash="longdashdot",
)
