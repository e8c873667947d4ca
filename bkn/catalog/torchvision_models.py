"""The classification models of torchvision that have BatchNorm layers: what is known of each.

Plain data, so that nothing of torchvision is imported to show it in a list.
tests/nets/measure_torchvision.py measures the numbers, and a test compares them.

How a network shrinks a picture is written as one letter per layer that shrinks it, from the input
on; what a letter does to height and width stands in bkn/catalog/layers.py. Capital letters are
those that the small stem takes out.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """What the models of one design have in common."""

    idea: str
    stem: str  # what the small stem does, see STEMS
    sizes: tuple[str, ...]  # letters in front of each size of picture that normalizers see
    whole: str = ""  # letters in front of the classifier, where a last one follows all normalizers


@dataclass(frozen=True)
class Model:
    """One model, with ten classes and the small stem."""

    key: str  # as torchvision calls it
    title: str
    family: str  # key of FAMILIES
    millions: float  # parameters
    norms: int  # normalizers
    gmacs: float  # multiplications for one picture of 32x32, in thousand millions
    channels: tuple[int, ...]  # per size of picture: what divides all channels there


STEMS = {
    "pooled": "Small: the first convolution, 7x7 with stride 2, becomes 3x3 with stride 1, and the "
    "max-pool behind it goes.",
    "pooled3": "Small: the first convolution takes stride 1 instead of 2, and the max-pool behind "
    "it goes.",
    "strided": "Small: the first convolution takes stride 1 instead of 2.",
    "unpadded": "Small: the first convolution takes stride 1 instead of 2, and the convolutions "
    "without padding get one, so that no border is lost.",
    "none": "The first convolution skips no places: both are the same.",
}
_HALVED = ("U", "Uu", "Uuu", "Uuuu", "Uuuuu")
_RESIDUAL = ("U", "UU", "UUu", "UUuu", "UUuuu")

FAMILIES = {
    "resnet": Family(
        "Blocks of two or three convolutions with a shortcut around them (He et al. 2015).",
        "pooled", _RESIDUAL,
    ),
    "wide_resnet": Family(
        "ResNet with twice the channels inside its blocks (Zagoruyko & Komodakis 2016).",
        "pooled", _RESIDUAL,
    ),
    "resnext": Family(
        "ResNet with grouped convolutions inside its blocks (Xie et al. 2016).",
        "pooled", _RESIDUAL,
    ),
    "densenet": Family(
        "Every layer sees the outputs of all layers before it in its block (Huang et al. 2016).",
        "pooled", ("U", "UU", "UUd", "UUdd", "UUddd"),
    ),
    "googlenet": Family(
        "Convolutions of several sizes side by side, nine times in a row (Szegedy et al. 2014). "
        "The auxiliary classifiers are left out.",
        "pooled", ("U", "UD", "UDd", "UDdd", "UDddu"),
    ),
    "inception": Family(
        "Convolutions of several sizes side by side, large ones split in two (Szegedy et al. "
        "2015). The auxiliary classifier is left out.",
        "unpadded", ("V", "VB", "VBv", "VBvB", "VBvBv", "VBvBvv", "VBvBvvv"),
    ),
    "vgg": Family(
        "A plain stack of 3x3 convolutions and max-pools, with a large classifier (Simonyan & "
        "Zisserman 2014), here with batch norm.",
        "none", ("", "d", "dd", "ddd", "dddd"), whole="ddddd",
    ),
    "mobilenet_v2": Family(
        "Narrow, wide, narrow: depthwise convolutions in wide layers between narrow ones "
        "(Sandler et al. 2018).",
        "strided", _HALVED,
    ),
    "mobilenet_v3": Family(
        "MobileNetV2 with channels weighed by what is seen, and hard swish (Howard et al. 2019).",
        "strided", _HALVED,
    ),
    "mnasnet": Family(
        "Blocks as in MobileNetV2, their kernels and numbers found by a search (Tan et al. 2018).",
        "strided", _HALVED,
    ),
    "efficientnet": Family(
        "Blocks as in MobileNetV3 with swish, scaled in depth, width and size together (Tan & Le "
        "2019).",
        "strided", _HALVED,
    ),
    "efficientnet_v2": Family(
        "EfficientNet with plain convolutions instead of depthwise ones in front (Tan & Le 2021).",
        "strided", _HALVED,
    ),
    "regnet_x": Family(
        "ResNeXt whose widths follow a simple rule found in a design space (Radosavovic et al. "
        "2020).",
        "strided", _HALVED,
    ),
    "regnet_y": Family(
        "RegNetX with channels weighed by what is seen (Radosavovic et al. 2020).",
        "strided", _HALVED,
    ),
    "shufflenet_v2": Family(
        "Half of the channels goes through depthwise convolutions, then all are shuffled (Ma et "
        "al. 2018).",
        "pooled3", _RESIDUAL,
    ),
}  # fmt: skip

MODELS = (
    Model("resnet18", "ResNet-18", "resnet", 11.17, 20, 0.555, (64, 64, 128, 256, 512)),
    Model("resnet34", "ResNet-34", "resnet", 21.28, 36, 1.159, (64, 64, 128, 256, 512)),
    Model("resnet50", "ResNet-50", "resnet", 23.52, 53, 1.298, (64, 64, 128, 256, 512)),
    Model("resnet101", "ResNet-101", "resnet", 42.51, 104, 2.51, (64, 64, 128, 256, 512)),
    Model("resnet152", "ResNet-152", "resnet", 58.16, 155, 3.722, (64, 64, 128, 256, 512)),
    Model(
        "wide_resnet50_2", "Wide ResNet-50-2", "wide_resnet", 66.85, 53, 3.684,
        (64, 128, 256, 512, 1024),
    ),
    Model(
        "wide_resnet101_2", "Wide ResNet-101-2", "wide_resnet", 124.85, 104, 7.392,
        (64, 128, 256, 512, 1024),
    ),
    Model(
        "resnext50_32x4d", "ResNeXt-50 32x4d", "resnext", 22.99, 53, 1.344,
        (64, 128, 256, 512, 1024),
    ),
    Model(
        "resnext101_64x4d", "ResNeXt-101 64x4d", "resnext", 81.42, 104, 5.011,
        (64, 256, 512, 1024, 2048),
    ),
    Model(
        "resnext101_32x8d", "ResNeXt-101 32x8d", "resnext", 86.76, 104, 5.322,
        (64, 256, 512, 1024, 2048),
    ),
    Model("densenet121", "DenseNet-121", "densenet", 6.96, 121, 0.888, (64, 32, 32, 32, 32)),
    Model("densenet169", "DenseNet-169", "densenet", 12.49, 169, 1.06, (64, 32, 32, 32, 32)),
    Model("densenet201", "DenseNet-201", "densenet", 18.10, 201, 1.364, (64, 32, 32, 32, 32)),
    Model("densenet161", "DenseNet-161", "densenet", 26.48, 161, 2.468, (96, 48, 48, 48, 48)),
    Model("googlenet", "GoogLeNet", "googlenet", 5.60, 57, 0.452, (64, 64, 16, 8, 16)),
    Model(
        "inception_v3", "Inception v3", "inception", 21.81, 94, 0.195,
        (32, 32, 80, 192, 16, 32, 64),
    ),
    Model("vgg11_bn", "VGG-11", "vgg", 128.81, 8, 0.272, (64, 128, 256, 512, 512)),
    Model("vgg13_bn", "VGG-13", "vgg", 129.00, 10, 0.348, (64, 128, 256, 512, 512)),
    Model("vgg16_bn", "VGG-16", "vgg", 134.31, 13, 0.433, (64, 128, 256, 512, 512)),
    Model("vgg19_bn", "VGG-19", "vgg", 139.62, 16, 0.518, (64, 128, 256, 512, 512)),
    Model("mobilenet_v2", "MobileNetV2", "mobilenet_v2", 2.24, 52, 0.024, (16, 24, 16, 32, 32)),
    Model(
        "mobilenet_v3_small", "MobileNetV3 small", "mobilenet_v3", 1.53, 34, 0.006,
        (16, 8, 8, 8, 96),
    ),
    Model(
        "mobilenet_v3_large", "MobileNetV3 large", "mobilenet_v3", 4.21, 46, 0.02,
        (16, 8, 8, 8, 32),
    ),
    Model("mnasnet0_5", "MNASNet 0.5", "mnasnet", 0.95, 52, 0.008, (8, 8, 24, 8, 32)),
    Model("mnasnet0_75", "MNASNet 0.75", "mnasnet", 1.90, 52, 0.017, (8, 24, 8, 8, 16)),
    Model("mnasnet1_0", "MNASNet 1.0", "mnasnet", 3.12, 52, 0.026, (16, 24, 8, 16, 64)),
    Model("mnasnet1_3", "MNASNet 1.3", "mnasnet", 5.01, 52, 0.043, (8, 8, 8, 8, 8)),
    Model(
        "efficientnet_b0", "EfficientNet-B0", "efficientnet", 4.02, 49, 0.032,
        (16, 24, 8, 16, 32),
    ),
    Model(
        "efficientnet_b1", "EfficientNet-B1", "efficientnet", 6.53, 69, 0.047,
        (16, 24, 8, 16, 32),
    ),
    Model(
        "efficientnet_b2", "EfficientNet-B2", "efficientnet", 7.72, 69, 0.055,
        (16, 24, 48, 8, 16),
    ),
    Model("efficientnet_b3", "EfficientNet-B3", "efficientnet", 10.71, 78, 0.08, (8, 16, 48, 8, 8)),
    Model(
        "efficientnet_b4", "EfficientNet-B4", "efficientnet", 17.57, 96, 0.125,
        (24, 16, 8, 16, 16),
    ),
    Model(
        "efficientnet_b5", "EfficientNet-B5", "efficientnet", 28.36, 116, 0.197,
        (24, 8, 16, 16, 16),
    ),
    Model(
        "efficientnet_b6", "EfficientNet-B6", "efficientnet", 40.76, 134, 0.281,
        (8, 8, 24, 8, 8),
    ),
    Model(
        "efficientnet_b7", "EfficientNet-B7", "efficientnet", 63.81, 163, 0.433,
        (32, 48, 16, 32, 64),
    ),
    Model(
        "efficientnet_v2_s", "EfficientNetV2-S", "efficientnet_v2", 20.19, 110, 0.236,
        (24, 48, 64, 32, 64),
    ),
    Model(
        "efficientnet_v2_m", "EfficientNetV2-M", "efficientnet_v2", 52.87, 157, 0.447,
        (24, 48, 16, 16, 16),
    ),
    Model(
        "efficientnet_v2_l", "EfficientNetV2-L", "efficientnet_v2", 117.25, 217, 1.019,
        (32, 64, 32, 32, 64),
    ),
    Model("regnet_x_400mf", "RegNetX-400MF", "regnet_x", 5.10, 71, 0.034, (32, 32, 32, 80, 400)),
    Model("regnet_x_800mf", "RegNetX-800MF", "regnet_x", 6.59, 53, 0.065, (32, 64, 32, 96, 672)),
    Model("regnet_x_1_6gf", "RegNetX-1.6GF", "regnet_x", 8.29, 59, 0.131, (8, 24, 24, 24, 912)),
    Model("regnet_x_3_2gf", "RegNetX-3.2GF", "regnet_x", 14.30, 80, 0.259, (32, 96, 48, 144, 1008)),
    Model("regnet_x_8gf", "RegNetX-8GF", "regnet_x", 37.67, 74, 0.653, (16, 80, 240, 240, 1920)),
    Model("regnet_x_16gf", "RegNetX-16GF", "regnet_x", 52.25, 71, 1.301, (32, 256, 128, 128, 2048)),
    Model(
        "regnet_x_32gf", "RegNetX-32GF", "regnet_x", 105.32, 74, 2.591,
        (16, 336, 672, 168, 2520),
    ),
    Model("regnet_y_400mf", "RegNetY-400MF", "regnet_y", 3.91, 53, 0.033, (16, 8, 104, 8, 440)),
    Model("regnet_y_800mf", "RegNetY-800MF", "regnet_y", 5.66, 47, 0.069, (32, 16, 16, 16, 784)),
    Model("regnet_y_1_6gf", "RegNetY-1.6GF", "regnet_y", 10.32, 86, 0.133, (16, 24, 24, 24, 888)),
    Model("regnet_y_3_2gf", "RegNetY-3.2GF", "regnet_y", 17.94, 68, 0.262, (8, 72, 72, 72, 1512)),
    Model("regnet_y_8gf", "RegNetY-8GF", "regnet_y", 37.38, 56, 0.696, (32, 224, 448, 224, 2016)),
    Model("regnet_y_16gf", "RegNetY-16GF", "regnet_y", 80.60, 59, 1.308, (32, 224, 112, 112, 3024)),
    Model("regnet_y_32gf", "RegNetY-32GF", "regnet_y", 141.37, 65, 2.648, (8, 232, 696, 464, 3712)),
    Model(
        "regnet_y_128gf", "RegNetY-128GF", "regnet_y", 637.49, 86, 10.486,
        (16, 528, 264, 264, 7392),
    ),
    Model(
        "shufflenet_v2_x0_5", "ShuffleNetV2 x0.5", "shufflenet_v2", 0.35, 56, 0.011,
        (24, 24, 24, 48, 32),
    ),
    Model(
        "shufflenet_v2_x1_0", "ShuffleNetV2 x1.0", "shufflenet_v2", 1.26, 56, 0.045,
        (24, 58, 2, 116, 8),
    ),
    Model(
        "shufflenet_v2_x1_5", "ShuffleNetV2 x1.5", "shufflenet_v2", 2.49, 56, 0.094,
        (24, 88, 8, 176, 32),
    ),
    Model(
        "shufflenet_v2_x2_0", "ShuffleNetV2 x2.0", "shufflenet_v2", 5.37, 56, 0.188,
        (24, 122, 2, 244, 8),
    ),
)  # fmt: skip

WITHOUT = (  # models of torchvision that there is nothing to replace in
    "alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny",
    "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s",
    "swin_v2_t", "vgg11", "vgg13", "vgg16", "vgg19", "vit_b_16", "vit_b_32", "vit_h_14",
    "vit_l_16", "vit_l_32",
)  # fmt: skip
ABSENT = {name: f"{name} of torchvision has no BatchNorm layers" for name in WITHOUT} | {
    "maxvit_t": "maxvit_t of torchvision needs pictures of 224x224: its windows of attention have "
    "7x7 places",
}
