"""What do telemetry and the filter cost? python -m benchmarks.trainer_speed

All sides of a comparison take turns within one run and are timed in CPU time on one thread, so that
what else the machine does matters little. Telemetry comes in lumps (a probe now and then), so whole
stretches of steps are timed, and their totals compared as well as their medians; of single training
steps the medians are.
"""

import argparse
import itertools
import time
from collections.abc import Iterator
from functools import partial
from statistics import median

import torch
from torch import nn
from tqdm import trange

from benchmarks.report import markdown
from bkn import Experiment, Race
from bkn.data.base import Images
from bkn.pace import steps_between_tests
from bkn.probe.budget import Budget
from bkn.training.cost import Step, plain_step, take_turns, train_step
from bkn.training.entrant import TEST_CHUNK, Entrant
from bkn.training.race import RaceTrainer
from bkn.training.recipe import Order, make_optimizer
from bkn.training.run import MemorySink

SETTINGS = (("digits", 100, 25), ("shapes", 63, 8))  # dataset, steps per stretch, stretches


def experiment(dataset: str, method: str, micro_batch: int) -> Experiment:
    """Long enough never to end within the benchmark."""
    return Experiment(
        dataset=dataset, method=method, micro_batch=micro_batch, epochs=1000, device="cpu"
    )


def bare(of: Experiment, test_every: int = 0) -> Iterator[None]:
    """An ordinary PyTorch loop on the network as it is, with its nn.BatchNorm2d; never ends.

    Args:
        of: what to train; its method is ignored.
        test_every: steps between tests on the whole test split, 0 for none.
    """
    images = of.dataset_card.load()(torch.device("cpu"), **of.dataset_options)
    torch.manual_seed(of.seed)
    model = of.network_card.load()(images.shape[0], images.shape[1:], images.classes)
    optimizer = make_optimizer(model, of)
    order = Order(of, images.train_size)
    for step in itertools.count(1):
        x, y = images.train(order.batch_of(step))
        train_step(model, optimizer, x, y)
        if test_every and step % test_every == 0:
            accuracy(model, images)
        yield


@torch.no_grad()
def accuracy(model: nn.Module, images: Images) -> float:
    """Fraction of the test images that the model gets right."""
    model.eval()
    right = 0
    for index in torch.arange(images.test_size).split(TEST_CHUNK):
        x, y = images.test(index)
        right += int((model(x).argmax(1) == y).sum())
    model.train()
    return right / images.test_size


class Side:
    """One side of a comparison and its clock, which stands still while the others take turns.

    The clock counts CPU time: on one thread that is the time the steps take on a quiet machine.
    """

    def __init__(self, step: Step):
        self.step = step
        self.turns: list[float] = []  # seconds
        self._before = self._began = 0.0

    def clock(self) -> float:
        """Seconds spent on this side so far, to be asked while it runs."""
        return self._before + time.process_time() - self._began

    def run(self, steps: int = 1) -> None:
        """Take a turn of so many steps."""
        self._before, self._began = sum(self.turns), time.process_time()
        for _ in range(steps):
            self.step()
        self.turns.append(time.process_time() - self._began)


def trainer(of: Experiment, probe: str) -> Side:
    """The trainer of one experiment; its probe earns its time from this side's steps alone."""
    race = Race((of,), probe=probe)
    side = Side(lambda: racing.advance())
    racing = RaceTrainer(race, MemorySink(race), budget=Budget(clock=side.clock))
    return side


def telemetry(dataset: str, stretch: int, stretches: int) -> list[list[str]]:
    """Steps per second of the trainer, with and without probes, over those of bare loops."""
    of = experiment(dataset, "batch", 64)
    test_every = steps_between_tests(of.dataset_card.test, of.batch)
    sides = {
        "bare": Side(partial(next, bare(of))),
        "bare, tests": Side(partial(next, bare(of, test_every))),
        "light": trainer(of, "light"),
        "off": trainer(of, "off"),
    }
    for _ in trange(stretches + 1, unit="stretch", desc=f"telemetry, {dataset}"):
        for side in sides.values():
            side.run(stretch)
    times = {name: side.turns[1:] for name, side in sides.items()}  # the first one warms up
    return [
        [dataset, probe, *(
            f"{of_all(times[loop]) / of_all(times[probe]):.2f}"
            for loop in ("bare", "bare, tests") for of_all in (median, sum)
        )]
        for probe in ("light", "off")
    ]  # fmt: skip


def filtering(dataset: str, steps: int) -> list[list[str]]:
    """Time of a full training step at (64, 2) over that of the network with nn.BatchNorm2d."""
    first = experiment(dataset, "batch", 2)
    images = first.dataset_card.load()(torch.device("cpu"), **first.dataset_options)
    x, y = images.train(torch.arange(first.batch))
    sides = {"nn": plain_step(first, images, x, y)}
    for method in ("batch", "kalman"):
        entrant = Entrant(experiment(dataset, method, 2), images, torch.device("cpu"))
        sides[method] = partial(entrant.train_step, x, y, 0.01)
    times = take_turns(sides, steps + 5, time.process_time)
    ms = {name: 1e3 * median(turns[5:]) for name, turns in times.items()}  # 5 warm up
    return [
        [dataset, f"`{method}`", f"{ms['nn']:.1f}", f"{ms[method]:.1f}",
         f"{ms[method] / ms['nn']:.2f}"]
        for method in ("batch", "kalman")
    ]  # fmt: skip


def main() -> None:
    """Measure all, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="how many stretches and steps")
    print(ratios(parser.parse_args().scale))


def ratios(scale: float) -> str:
    """Both tables; `scale`: how many stretches and steps."""
    torch.set_num_threads(1)
    lumps, steps = [], []
    for dataset, stretch, stretches in SETTINGS:
        lumps += telemetry(dataset, stretch, max(2, round(scale * stretches)))
        steps += filtering(dataset, max(2, round(scale * 2 * stretch)))

    head = "dataset", "probe", "medians", "totals", "the loop tests too: medians", "totals"
    return "\n\n".join([
        "Steps per second of the trainer over a bare loop, convnet, batch norm at (64, 64):",
        markdown(head, lumps),
        "Time of a full training step at (64, 2), convnet, in ms:",
        markdown(("dataset", "method", "nn.BatchNorm2d", "method", "ratio"), steps),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
