"""What does a method cost? A full training step over the same step with nn.BatchNorm2d.

Both sides take turns in one process, so that what else the machine does hits both; of each side
the median step counts. The figure is their ratio.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bkn.data.base import Images
from bkn.experiment import Experiment
from bkn.training.device import resolve
from bkn.training.entrant import Entrant
from bkn.training.recipe import make_optimizer

Step = Callable[[], object]
SECONDS = 1.0  # per method, both sides together
ROUNDS = (15, 150)  # at least, at most


class Timed(NamedTuple):
    """Medians of one measurement."""

    step_ms: float
    baseline_ms: float
    rounds: int

    @property
    def ratio(self) -> float:
        return self.step_ms / self.baseline_ms


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """Forward, backward, update, as everybody writes it."""
    loss = cross_entropy(model(x), y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def plain_step(experiment: Experiment, images: Images, x: Tensor, y: Tensor) -> Step:
    """A step of the experiment's network as it is, with its nn.BatchNorm layers."""
    torch.manual_seed(experiment.seed)
    network = experiment.network_card.load()(
        images.shape[0], images.shape[1:], images.classes, **experiment.network_options
    )
    model = network.to(x.device).train()
    return partial(train_step, model, make_optimizer(model, experiment), x, y)


def take_turns(
    sides: Mapping[str, Step],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
    seconds: float = float("inf"),
    at_least: int = 1,
) -> dict[str, list[float]]:
    """Seconds of every step of every side; the sides alternate.

    Args:
        sides: what to take a step of.
        rounds: at most so many steps of each side.
        clock: in seconds.
        seconds: end after that long,
        at_least: but not before so many rounds.
    """
    times: dict[str, list[float]] = {name: [] for name in sides}
    began = time.monotonic()
    for done in range(rounds):
        if done >= at_least and time.monotonic() - began > seconds:
            break
        for name, step in sides.items():
            before = clock()
            step()
            times[name].append(clock() - before)
    return times


def clock_of(device: torch.device) -> Callable[[], float]:
    """CPU time where one thread does all, so that other programs matter little; else wall time."""
    if device.type == "cpu":
        return time.process_time if torch.get_num_threads() == 1 else time.perf_counter

    def clock() -> float:
        torch.accelerator.synchronize(device)
        return time.perf_counter()

    return clock


def measure(experiment: Experiment, seconds: float = SECONDS) -> Timed:
    """Measure the experiment's method on its network, batch and device.

    The planned steps are over before the clock runs: schedules have come to their end, so the
    method does all that it ever does.

    Raises:
        ValueError: if the method cannot work there, or the device is not on this machine.
    """
    device = resolve(experiment.device)
    images: Images = experiment.dataset_card.load()(device, **experiment.dataset_options)
    index = torch.arange(experiment.batch)
    (x, y), domains = images.train(index), images.train_domains(index)
    entrant = Entrant(experiment, images, device)
    sides = {
        "baseline": plain_step(experiment, images, x, y),
        "method": lambda: entrant.train_step(x, y, experiment.lr, domains),
    }

    take_turns(sides, experiment.steps, seconds=seconds, at_least=3)
    times = take_turns(sides, ROUNDS[1], clock_of(device), seconds, ROUNDS[0])
    step, baseline = median(times["method"]), median(times["baseline"])
    return Timed(1e3 * step, 1e3 * baseline, len(times["method"]))
