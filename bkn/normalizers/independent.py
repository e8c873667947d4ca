"""The independent-component layer: batch norm and a little dropout, before the weights.

Paper: Chen, Chen, Shi, Hsieh, Liao & Zhang (2019), https://arxiv.org/abs/1905.05928

A layer learns fastest if its inputs are standardized and independent. Batch norm sees to the
first; dropping every value with a small probability takes away a part of what two inputs have in
common. So both stand directly before the weights and see what the activation below put out.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, fx

from bkn.normalizers.base import Belief
from bkn.normalizers.batch import BatchNorm
from bkn.surgery.joins import between, joins
from bkn.surgery.method import Method
from bkn.surgery.network import Network
from bkn.surgery.placement import before_weights


def dropped(x: Tensor, probability: float) -> Tensor:
    """Dropout of single values of x; which ones does not depend on x's layout in memory."""
    ones = torch.ones(x.shape, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
    return (x * F.dropout(ones, probability)).to(x.dtype)


class IndependentComponent(BatchNorm):
    """Batch norm, then dropout of single values in training.

    Dropout draws from torch's global random stream.

    Args:
        channels: C.
        dropout: probability that a value is dropped; the others grow by 1 / (1 - dropout).
        base: see `BatchStatistics`.

    Raises:
        ValueError: unless dropout lies in [0, 1).
    """

    def __init__(
        self,
        channels: int,
        *,
        dropout: float = 0.05,
        running: str = "mean",
        momentum: float | None = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(
            channels,
            running=running,
            momentum=momentum,
            micro_batch=micro_batch,
            eps=eps,
            affine=affine,
        )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
        self.dropout = dropout

    def filter(self, x: Tensor, prior: Belief | None) -> tuple[Tensor, Belief]:
        y, posterior = super().filter(x, prior)
        return dropped(y, self.dropout) if self.dropout else y, posterior

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, dropout={self.dropout}"


def place(network: Network, method: Method) -> list[fx.Node]:
    """Before every weight layer but the classifier; shortcuts stay free of dropout.

    A shortcut with weights of its own has its own layer, which then only normalizes.

    Returns:
        The nodes that call the layers, in order of execution.
    """
    nodes = before_weights(network, method)
    for join in joins(network):
        for node in between(join.fork, join.shortcut):
            norm = network.module(node)
            if isinstance(norm, IndependentComponent):
                norm.dropout = 0.0
    return nodes
