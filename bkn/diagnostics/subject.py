"""What a diagnosis looks at: a model on one batch, used as training uses it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from bkn.probe.frozen import frozen

Pulse = Callable[[], None]  # called between passes; raises to end the measurement


def unhurried() -> None:
    """The pulse of a measurement that nobody ends."""


@dataclass(frozen=True)
class Subject:
    """A model on one batch.

    It runs in training mode, with the statistics of its micro-batches. Every pass begins with the
    same state and the same random numbers, and leaves neither changed; `.grad` stays untouched.

    Args:
        model: any classifier; a converted one has its micro-batch set.
        x: images (N, C, H, W), or vectors (N, D), on the model's device.
        y: labels (N,).
        told: what else the model takes, such as the images' domains (N,).
    """

    model: nn.Module
    x: Tensor
    y: Tensor
    told: tuple[Tensor, ...] = ()

    def parameters(self) -> dict[str, Tensor]:
        """What is trained, by name."""
        return {name: p for name, p in self.model.named_parameters() if p.requires_grad}

    def logits(self, weights: Mapping[str, Tensor] | None = None) -> Tensor:
        """Outputs (N, K); call it within `frozen`.

        Args:
            weights: by name, in place of the model's own.
        """
        y: Tensor = functional_call(self.model, dict(weights or {}), (self.x, *self.told))
        return y

    def losses(self) -> Tensor:
        """Cross-entropy of every image in nats, (N,); call it within `frozen`."""
        return cross_entropy(self.logits(), self.y, reduction="none")

    def loss(self, weights: Mapping[str, Tensor] | None = None) -> Tensor:
        """Mean cross-entropy in nats; call it within `frozen`."""
        return cross_entropy(self.logits(weights), self.y)

    def gradient(self) -> dict[str, Tensor]:
        """Of the loss by every parameter, as it leaves the backward pass.

        What a method does to gradients afterwards (clipping, preconditioning) is not in it.
        """
        parameters = self.parameters()
        with frozen(self.model, gradient=True):
            return dict(zip(parameters, by(self.loss(), parameters), strict=True))

    def watched_by(self, hooks: Mapping[nn.Module, Callable[..., None]]) -> None:
        """One forward and backward pass of the loss with these forward hooks, then without.

        A tensor hook that a forward hook puts on what it sees hears of the gradient.
        """
        handles = [module.register_forward_hook(hook) for module, hook in hooks.items()]
        try:
            self.gradient()
        finally:
            for handle in handles:
                handle.remove()


def by(
    value: Tensor,
    parameters: Mapping[str, Tensor],
    direction: Tensor | None = None,
    again: bool = False,
) -> tuple[Tensor, ...]:
    """Gradient of a value by parameters, zero where it does not depend on them.

    Args:
        value: a number, or any tensor with a direction of its shape to be multiplied with.
        parameters: by name.
        direction: of the value's shape.
        again: whether the graph is needed once more.
    """
    return torch.autograd.grad(
        value,
        tuple(parameters.values()),
        direction,
        retain_graph=again,
        allow_unused=True,
        materialize_grads=True,
    )
