"""Where to compute: the accelerator torch reports, else the CPU with a core left for the page."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def resolve(name: str) -> torch.device:
    """The device of that name; "auto" takes the accelerator if there is one, else the CPU.

    Raises:
        ValueError: if this machine has no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator or torch.device("cpu")
    here = ["cpu"]
    if torch.cuda.is_available():
        here += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        here.append("mps")
    if name not in here and not (name == "cuda" and torch.cuda.is_available()):
        raise ValueError(f"device {name!r} is not on this machine; here: auto, {', '.join(here)}")
    return torch.device(name)


def cpu_threads() -> int:
    """Threads for training: all cores but one, which the page and the browser need."""
    mine = hasattr(os, "sched_getaffinity")  # Linux tells which cores this process may use
    cores = len(os.sched_getaffinity(0)) if mine else os.cpu_count() or 1
    return max(1, cores - 1)


@contextmanager
def training_threads(threads: int | None = None) -> Iterator[None]:
    """Train with `cpu_threads`, so that every way of training gives the same bits.

    Args:
        threads: so many in their place.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads or cpu_threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)


class RandomStream:
    """A random stream of its own: what one run draws is not what another run draws.

    `with stream:` makes torch's global generators continue this stream, and puts back what was
    there before. Probing or adding an entrant therefore changes nothing for the others.
    """

    def __init__(self, seed: int, device: torch.device):
        self.device = device
        with self:
            torch.manual_seed(seed)

    @property
    def _cuda(self) -> bool:
        return self.device.type == "cuda"

    def _now(self) -> list[torch.Tensor]:
        states = [torch.get_rng_state()]
        return [*states, torch.cuda.get_rng_state(self.device)] if self._cuda else states

    def _set(self, states: list[torch.Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self._cuda:
            torch.cuda.set_rng_state(states[1], self.device)

    def __enter__(self) -> None:
        self._outside = self._now()
        if hasattr(self, "states"):
            self._set(self.states)

    def __exit__(self, *exc: object) -> None:
        self.states = self._now()
        self._set(self._outside)
