"""Card of the norm-free recipe."""

from bkn.cards import MethodCard, Param

CARD = MethodCard(
    "norm_free",
    "Norm-free",
    "No statistics of activations at all: filters are standardized, activations and residual "
    "branches are scaled by constants, so that a signal of variance one stays one. Gradients "
    "longer than a share of the weights they change are cut, so that high learning rates are "
    "safe. No image sees another, and training computes what evaluation does.",
    "bkn.normalizers.norm_free:NormFree",
    (
        Param(
            "clipping",
            0.1,
            "Longest gradient of a filter, as a share of the filter's length; 0 cuts nothing.",
            0.0,
            10.0,
        ),
        Param(
            "alpha",
            0.2,
            "Weight of a residual branch in the sum with its shortcut; no branches, no effect.",
            0.01,
            2.0,
        ),
        Param(
            "skip_gain",
            1.0,
            "A learned factor of each branch starts here; at 0 the network starts as its "
            "shortcuts alone.",
            0.0,
            1.0,
        ),
    ),
    placement="bkn.normalizers.norm_free_placement:place",
    family="weights",
    year=2021,
    paper="Brock, De, Smith & Simonyan 2021",
    link="https://arxiv.org/abs/2102.06171",
    equations=(
        r"\hat W_i = g_i \frac{W_i - \mu_i}{\sqrt{F}\, \sigma_i}",
        r"\phi(x) = \frac{\operatorname{act}(x)}{\operatorname{std}\, \operatorname{act}(z)}, "
        r"\ z \sim \mathcal N(0, 1)",
        r"x_{l+1} = x_l + \alpha\, s_l\, f_l(x_l / \beta_l), \quad "
        r"\beta_{l+1}^2 = \beta_l^2 + \alpha^2",
        r"G_i \leftarrow \lambda \frac{\max(\lVert W_i \rVert, 10^{-3})}{\lVert G_i \rVert} G_i "
        r"\text{ where it is longer}",
    ),
    training="Nothing; weights are standardized, and gradients clipped before the step.",
    evaluation="The same as training.",
    stands="In the weights of all layers but the classifier, behind activations, around "
    "residual branches and behind padded shortcuts; batch norm's places stay empty.",
    note="Standardization, gains and alpha are the papers'. Clipping is 0.01 there, for batches "
    "of 4096 and long training, and small batches bear more; the skip gain starts at 0 there. "
    "In the lab's few epochs 0.01 learns slowly and a skip gain of 0 hardly grows, so 0.1 and 1 "
    "(as in the first of the two papers) are ours. Alpha is meant for deep networks: with the few "
    "branches here 0.5 or 1 learns faster, most of all with binary weights. Where the "
    "stream was activated before it began, as in our ResNet, a ReLU changes little of it and gets "
    "a smaller gain; shortcuts that pad with channels of zeros are brought back to variance one. "
    "For this, pooled places count as independent. Zeros around the pictures take some variance "
    "from every convolution, and nothing makes up for it.",
    scale_invariant=False,
    shift_invariant=False,
    colors=("#CC3311", "#8A220B"),
    dash="16px,4px",
)
