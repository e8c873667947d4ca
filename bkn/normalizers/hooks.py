"""What a method may do around an optimizer step, beside normalizing.

Any module of a converted model may be `Hooked`: it acts on gradients, on weights after the step,
or asks for a second forward pass on the same batch. A training loop calls `Hooks` and knows no
method by name:

    hooks = Hooks(model)
    hooks.plan(steps)                         before training; in all, also when it is resumed
    for x, y in batches:
        hooks.before_forward()
        loss_of(model(x), y).backward()
        hooks.before_step()                   gradients may change
        optimizer.step()
        hooks.after_step(lambda: model(x))    weights may change; or the batch goes through again
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, fx, nn

RandomStates = tuple[Tensor, list[Tensor]]


class Hooked(nn.Module):
    """A module that takes part in the step; does nothing by default.

    Hooks get the whole converted model: a module finds there, by its path, what is not its own.
    """

    replays = False  # whether it wants every batch to go through the network again after the step
    replaying = False  # true during that second pass

    def plan(self, steps: int) -> None:
        """Hear how many optimizer steps are planned; schedules are shares of them.

        Those taken already, as a state_dict knows, are part of them.
        """

    def before_step(self, model: nn.Module) -> None:
        """Act on gradients, which are complete."""

    def after_step(self, model: nn.Module) -> None:
        """Act on weights, which have moved."""

    def undecayed(self, model: nn.Module) -> Iterable[nn.Parameter]:
        """Parameters that must not be subject to weight decay."""
        return ()


class Hooks:
    """The hooks of all modules of a converted model, in order.

    Args:
        model: converted, or something around it: DistributedDataParallel, a module of your own.

    Raises:
        ValueError: for something around several converted models: each needs Hooks of its own.
    """

    def __init__(self, model: nn.Module):
        self.model = model
        self.converted = _converted(model)
        hooked = [module for module in model.modules() if isinstance(module, Hooked)]

        def overriding(name: str) -> list[Hooked]:
            return [m for m in hooked if getattr(type(m), name) is not getattr(Hooked, name)]

        self._planning = overriding("plan")
        self._before = overriding("before_step")
        self._after = overriding("after_step")
        self._undecayed = overriding("undecayed")
        self._replaying = [module for module in hooked if module.replays]
        self._random: RandomStates | None = None

    def plan(self, steps: int) -> None:
        """Tell the schedules how many steps are planned in all.

        A training that is resumed plans the same number, before or after loading its state.

        Raises:
            ValueError: unless that is a whole number of at least 1.
        """
        if type(steps) is not int or steps < 1:
            raise ValueError(f"steps must be a whole number of at least 1, got {steps!r}")
        for module in self._planning:
            module.plan(steps)

    def undecayed(self) -> set[nn.Parameter]:
        """Parameters without weight decay."""
        return {p for module in self._undecayed for p in module.undecayed(self.converted)}

    def before_forward(self) -> None:
        """Remember the random streams, if the batch will go through a second time."""
        if self._replaying:
            self._random = _random_states(self.model)

    @torch.no_grad()
    def before_step(self) -> None:
        """Let modules act on the gradients."""
        for module in self._before:
            module.before_step(self.converted)

    @torch.no_grad()
    def after_step(self, replay: Callable[[], object]) -> None:
        """Let modules act on the new weights.

        Args:
            replay: the forward pass on the batch of this step. It is called only if a module
                wants it: with the same random numbers, and without a trace in other modules.
        """
        for module in self._after:
            module.after_step(self.converted)
        if self._replaying:
            self._replay(replay)

    def _replay(self, replay: Callable[[], object]) -> None:
        keepers = {inner for module in self._replaying for inner in module.modules()}
        others = [
            (place, name, buffer, buffer.clone())
            for place in self.model.modules()
            if place not in keepers
            for name, buffer in place.named_buffers(recurse=False)
        ]
        now = _random_states(self.model)
        if self._random is not None:
            _set_random_states(self.model, self._random)
        for module in self._replaying:
            module.replaying = True
        try:
            replay()
        finally:
            for module in self._replaying:
                module.replaying = False
            for place, name, buffer, saved in others:
                setattr(place, name, buffer.copy_(saved))
            _set_random_states(self.model, now)


def _converted(model: nn.Module) -> nn.Module:
    """The converted model inside a model: the paths that its modules know begin there."""
    found: list[nn.Module] = []
    for module in model.modules():
        inside = any(module in outer.modules() for outer in found)
        if isinstance(module, fx.GraphModule) and not inside:
            found.append(module)
    if len(found) > 1:
        raise ValueError(
            f"model must hold one converted model, got {len(found)}: give each Hooks of its own"
        )
    return found[0] if found else model


def _random_states(model: nn.Module) -> RandomStates:
    return torch.get_rng_state(), [torch.cuda.get_rng_state(d) for d in _cuda(model)]


def _set_random_states(model: nn.Module, states: RandomStates) -> None:
    torch.set_rng_state(states[0])
    for device, state in zip(_cuda(model), states[1], strict=True):
        torch.cuda.set_rng_state(state, device)


def _cuda(model: nn.Module) -> list[torch.device]:
    devices = {p.device for p in model.parameters() if p.device.type == "cuda"}
    return sorted(devices, key=str)
