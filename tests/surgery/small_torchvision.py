"""A small member of every family of torchvision's classification models, of its own classes."""

from functools import partial

import torch
from torch import nn
from torchvision.models import densenet, efficientnet, mnasnet, regnet, resnet, vgg
from torchvision.models.googlenet import GoogLeNet
from torchvision.models.inception import Inception3
from torchvision.models.mobilenetv2 import MobileNetV2
from torchvision.models.mobilenetv3 import MobileNetV3, _mobilenet_v3_conf
from torchvision.models.shufflenetv2 import ShuffleNetV2


def basic(block=resnet.BasicBlock, **options):
    return resnet.ResNet(block, [1, 1, 1, 1], num_classes=4, **options)


def dense(**options):
    return densenet.DenseNet(8, (2, 2, 2, 2), 16, num_classes=4, **options)


def mobile_v3():
    """The first half of mobilenet_v3_small: with and without squeeze, both activations."""
    settings, last = _mobilenet_v3_conf("mobilenet_v3_small", width_mult=0.5)
    return MobileNetV3(settings[:6], last, num_classes=4)


def efficient(*blocks):
    return efficientnet.EfficientNet(
        blocks, dropout=0.2, stochastic_depth_prob=0.5, num_classes=4, last_channel=32
    )


def efficient_v1():
    one = efficientnet.MBConvConfig
    return efficient(one(1, 3, 1, 16, 8, 2), one(4, 5, 2, 8, 16, 2))


def efficient_v2():
    one, fused = efficientnet.MBConvConfig, efficientnet.FusedMBConvConfig
    return efficient(fused(1, 3, 1, 16, 16, 2), fused(4, 3, 2, 16, 24, 2), one(4, 3, 2, 24, 32, 2))


def reg(squeeze=None):
    blocks = regnet.BlockParams.from_init_params(6, 16, 12.0, 2.2, 8, se_ratio=squeeze)
    return regnet.RegNet(blocks, num_classes=4)


def vgg_bn():
    layers = vgg.make_layers([8, "M", 16, "M", 16, 16, "M"], batch_norm=True)
    behind = nn.Linear(16 * 49, 8), nn.ReLU(True), nn.Dropout(), nn.Linear(8, 4)
    return nn.Sequential(layers, nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten(1), *behind)


FAMILIES = {  # how it is made, and the side of a picture it takes
    "resnet": (basic, 32),
    "resnext": (partial(basic, resnet.Bottleneck, groups=32, width_per_group=4), 32),
    "wide_resnet": (partial(basic, resnet.Bottleneck, width_per_group=80), 32),
    "densenet": (dense, 32),
    "densenet with dropout": (partial(dense, drop_rate=0.3), 32),
    "mobilenet_v2": (partial(MobileNetV2, num_classes=4, width_mult=0.25), 32),
    "mobilenet_v3": (mobile_v3, 32),
    "efficientnet": (efficient_v1, 32),
    "efficientnet_v2": (efficient_v2, 32),
    "regnet_x": (reg, 32),
    "regnet_y": (partial(reg, 0.25), 32),
    "shufflenet_v2": (
        partial(ShuffleNetV2, [2, 2, 2], [8, 16, 32, 64, 64], num_classes=4), 32
    ),
    "vgg_bn": (vgg_bn, 32),
    "googlenet": (partial(GoogLeNet, 4, init_weights=False), 64),
    "googlenet without heads": (
        partial(GoogLeNet, 4, False, transform_input=True, init_weights=False), 32
    ),
    "inception_v3": (partial(Inception3, 4, False, True, init_weights=False), 75),
    "mnasnet": (partial(mnasnet.MNASNet, 0.25, num_classes=4), 32),
}  # fmt: skip


def small(family: str) -> tuple[nn.Module, torch.Tensor]:
    """The model, its norms away from their start, and four pictures."""
    make, side = FAMILIES[family]
    torch.manual_seed(0)
    model = make()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return model, torch.randn(4, 3, side, side)
