"""The cards of all networks: our own small ones, then those of torchvision."""

from bkn.cards import NetworkCard, Param
from bkn.catalog import layers
from bkn.catalog.from_torchvision import card_of
from bkn.catalog.torchvision_models import MODELS

OWN: dict[str, NetworkCard] = {
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
            layers=layers.convnet,
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
            layers=layers.resnet,
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
            layers=layers.mlp,
        ),
        NetworkCard(
            "binary_convnet",
            "Binary convnet",
            "Signs of activations convolved with signs of weights, each layer with its norm and a "
            "shortcut around it; the first and the last layer have real weights.",
            "bkn.nets.binary_convnet:BinaryConvNet",
            (
                Param("depth", 6, "Convolutions; two per stage.", 2, 12, integer=True),
                Param("width", 16, "Channels of the first stage.", 4, 128, integer=True),
            ),
            activates=False,
            layers=layers.convnet,
        ),
    )
}
NETWORKS = OWN | {model.key: card_of(model) for model in MODELS}
