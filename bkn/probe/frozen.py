"""Look without touching: whatever a forward pass would change is put back."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def frozen(model: nn.Module, gradient: bool = False) -> Iterator[None]:
    """Run the model in training mode, without a trace.

    Buffers (running statistics, averages, counters), random streams and the mode of every module
    are afterwards what they were before.

    Args:
        model: to look at.
        gradient: whether the block may differentiate; `torch.autograd.grad` leaves no trace.
            It has to end within the block: what is put back at its end may be part of the graph.
    """
    buffers = [  # a module may put another tensor in a buffer's place, so the place is kept too
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    modes = [(module, module.training) for module in model.modules()]
    cuda = sorted({p.device for p in model.parameters() if p.device.type == "cuda"}, key=str)
    try:
        with torch.set_grad_enabled(gradient), torch.random.fork_rng(devices=cuda):
            model.train()
            yield
    finally:
        with torch.no_grad():
            for module, name, buffer, saved in buffers:
                setattr(module, name, buffer.copy_(saved))
        for module, mode in modes:
            module.training = mode
