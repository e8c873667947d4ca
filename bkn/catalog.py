"""The catalogue: the card of every method, network and dataset.

Adding a method means one file, one card here and one reference test.
"""

from bkn.cards import DatasetCard, MethodCard, NetworkCard, Param

RUNNING = Param(
    "running",
    "mean",
    "Which micro-batches feed the running statistics: the mean of all, or the first (authors).",
    choices=("mean", "first"),
)

METHODS: dict[str, MethodCard] = {
    card.key: card
    for card in (
        MethodCard(
            "none",
            "No norm",
            "No statistics at all: a learned scale and shift per channel. The control group.",
            "bkn.normalizers.classic:NoNorm",
            colors=("#999999", "#666666"),
            dash="longdashdot",
        ),
        MethodCard(
            "batch",
            "Batch norm",
            "Each micro-batch is normalized by its own mean and variance per channel. With few "
            "images these are noisy. Evaluation uses running averages instead.",
            "bkn.normalizers.batch:BatchNorm",
            (RUNNING,),
            paper="Ioffe & Szegedy 2015",
            link="https://arxiv.org/abs/1502.03167",
            batch_statistics=True,
            estimates=True,
            stores="running mean and variance",
            colors=("#0072B2", "#56B4E9"),
            dash="dash",
        ),
        MethodCard(
            "group",
            "Group norm",
            "Each image is normalized by itself, over groups of channels. It never looks at other "
            "images, so the batch size does not matter to it.",
            "bkn.normalizers.classic:GroupNorm",
            (
                Param(
                    "groups", 4, "Channel groups; must divide the channels.", 1, 512, integer=True
                ),
            ),
            paper="Wu & He 2018",
            link="https://arxiv.org/abs/1803.08494",
            colors=("#CC79A7", "#8C4A74"),
            dash="dot",
        ),
        MethodCard(
            "layer",
            "Layer norm",
            "Each image is normalized by itself, over all channels at once.",
            "bkn.normalizers.classic:LayerNorm",
            paper="Ba, Kiros & Hinton 2016",
            link="https://arxiv.org/abs/1607.06450",
            colors=("#A6761D", "#8C6D31"),
            dash="longdash",
        ),
        MethodCard(
            "instance",
            "Instance norm",
            "Each channel of each image is normalized by itself. What a channel says by its mere "
            "brightness is lost.",
            "bkn.normalizers.classic:InstanceNorm",
            paper="Ulyanov, Vedaldi & Lempitsky 2016",
            link="https://arxiv.org/abs/1607.08022",
            needs_space=True,
            colors=("#D55E00", "#A04000"),
            dash="dashdot",
        ),
        MethodCard(
            "kalman",
            "Kalman norm",
            "Two images say little about a channel. The layers below already hold a belief; it is "
            "pushed through the weights into a prior, and the micro-batch is then one noisy "
            "observation of the same moments, weighed in by the gain.",
            "bkn.normalizers.kalman:KalmanNorm",
            (
                Param(
                    "gain",
                    0.1,
                    "Weight of the observation: 1 trusts the micro-batch alone (batch norm), 0 the "
                    "layers below; 'learned' trains one gain per channel.",
                    0.0,
                    1.0,
                    ("learned",),
                    live=True,
                ),
                Param(
                    "transition",
                    "moments",
                    "How the prior is made: the posterior's moments in closed form, the authors' "
                    "sampled image, or the moments after normalization.",
                    choices=("moments", "sampled", "normalized"),
                ),
                RUNNING,
            ),
            paper="Wang, Peng, Luo, Wang & Lin 2018",
            link="https://arxiv.org/abs/1802.03133",
            batch_statistics=True,
            estimates=True,
            uses_prior=True,
            has_gain=True,
            stores="running mean and variance; the gain when learned",
            colors=("#009E73", "#785EF0", "#E69F00", "#56B4E9"),
            dash="solid",
        ),
    )
}

NETWORKS: dict[str, NetworkCard] = {
    card.key: card
    for card in (
        NetworkCard(
            "convnet",
            "Convnet",
            "A stack of 3x3 convolutions, each with its norm and ReLU; every second stage halves "
            "the picture and doubles the channels. Then average and classify.",
            "bkn.nets.convnet:ConvNet",
            (
                Param("depth", 6, "Convolutions; two per stage.", 2, 12, integer=True),
                Param("width", 16, "Channels of the first stage.", 4, 128, integer=True),
            ),
        ),
        NetworkCard(
            "resnet",
            "ResNet, pre-activation",
            "6n+2 layers with shortcuts, norm and ReLU before each convolution, as the authors of "
            "the Kalman paper use.",
            "bkn.nets.resnet:ResNet",
            (
                Param("n", 1, "Blocks per stage; 6n+2 layers.", 1, 18, integer=True),
                Param("width", 16, "Channels of the first stage.", 4, 128, integer=True),
            ),
        ),
        NetworkCard(
            "mlp",
            "MLP",
            "Fully connected layers, each with its norm and ReLU: no space, vectors only.",
            "bkn.nets.mlp:MLP",
            (
                Param("depth", 4, "Hidden layers.", 1, 12, integer=True),
                Param("width", 128, "Units per hidden layer.", 4, 1024, integer=True),
            ),
            spatial=False,
        ),
    )
}

DATASETS: dict[str, DatasetCard] = {
    card.key: card
    for card in (
        DatasetCard(
            "digits",
            "Digits, 1,797 real 8×8 scans",
            "Handwritten digits, 8x8 pixels in 17 greys. Small enough to train in seconds.",
            "bkn.data.digits:load",
            source="Alpaydin & Kaynak 1998, UCI Machine Learning Repository, CC BY 4.0",
            train=1350,
            test=447,
            shape=(1, 8, 8),
            classes=tuple("0123456789"),
        ),
        DatasetCard(
            "shapes",
            "Shapes, drawn 32×32 in colour",
            "Ten shapes drawn on demand in random colour, place, size and angle, under clutter and "
            "noise. Harder than digits, and as many as you like.",
            "bkn.data.shapes:load",
            (
                Param("difficulty", 0.5, "Clutter, noise, contrast: 0 easy, 1 hopeless.", 0, 1),
            ),
            source="procedural, made here",
            train=32000,
            test=2000,
            shape=(3, 32, 32),
            classes=(
                "disc", "square", "triangle", "star", "cross",
                "ring", "heart", "crescent", "hexagon", "bar",
            ),
        ),
    )
}  # fmt: skip
