"""With binary weights too a norm-free net comes close to batch norm."""

from collections.abc import Sequence
from typing import Any

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, reaches, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import CLOSE, GPU, LAPTOP, Scale
from bkn.results import Result
from bkn.sweep import Sweep

STRONG = "norm_free:alpha=1"  # branches as strong as the few of our net may be


def _sweeps(scale: Scale, **network: Any) -> list[Sweep]:
    methods = ["batch", "norm_free", STRONG]
    return [
        scale.sweep(methods, networks=("binary_convnet",), network_options=network,
                    epochs=scale.long)
    ]  # fmt: skip


def decide(results: Sequence[Result]) -> Verdict:
    """With branches as weak as in the paper; with strong ones it is shown beside."""
    found = Evidence(results)
    batch = found.of("batch")
    close = reaches("norm-free − batch norm", found.of("norm_free"), batch, CLOSE)
    strong = reaches("norm-free, alpha 1 − batch norm", found.of(STRONG), batch, CLOSE, False)
    return verdict(results, Part("It comes close", [close, strong]))


CLAIM = Claim(
    "norm_free_binary",
    "beyond",
    "Norm-free comes close to batch norm with binary weights, too",
    "In networks whose weights and activations are signs, batch normalization can be replaced by "
    "standardized weights, constants and adaptive clipping at little cost. The weight of the "
    "branches, 0.2, is made for deep networks; with the few branches here 1 learns faster, which "
    "was known and is shown beside the claim, but does not decide it.",
    "Chen, Zhang, Ouyang, Liu, Shen & Wang 2021",
    "https://arxiv.org/abs/2104.08215",
    2021,
    "CIFAR and ImageNet, ReActNet in two stages with distillation, batches of 256, 256 epochs, "
    "clipping at 0.02: 0.2 to 0.4 points behind batch norm on CIFAR, 1.4 on ImageNet.",
    Protocol(
        f"{LAPTOP.words}, but the binary convnet and 10 epochs; m = 64.",
        lambda: _sweeps(LAPTOP),
        CLOSE,
        LAPTOP.close_because,
    ),
    Protocol(
        f"{GPU.words}, but the binary convnet of width 64 and 60 epochs; m = 128.",
        lambda: _sweeps(GPU, width=64),
        CLOSE,
        GPU.close_because,
    ),
    "Paired by seed: above batch norm less 1 point (one of two one-sided tests).",
    decide,
)
