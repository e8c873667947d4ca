"""What does it cost to look? python -m benchmarks.probe_cost

A light and a full round of the probe over a training step of the same model, the sides taking turns
in CPU time on one thread; then whole stretches of a race in each tier over one without a probe.
"""

import argparse
import time
from functools import partial
from statistics import median

import torch

from benchmarks.report import markdown
from benchmarks.trainer_speed import trainer
from bkn import Experiment
from bkn.probe.full import FullProbe
from bkn.probe.light import LightProbe
from bkn.training.cost import take_turns
from bkn.training.entrant import Entrant

SETTINGS = (("digits", "convnet"), ("digits", "resnet"), ("shapes", "convnet"))
TIERS = ("off", "light", "full")
WARM_UP = 2  # rounds that are not counted


def experiment(dataset: str, network: str) -> Experiment:
    """Kalman normalization at (64, 2), long enough never to end within the benchmark."""
    return Experiment(dataset=dataset, network=network, method="kalman", epochs=1000, device="cpu")


def rounds(dataset: str, network: str, count: int) -> list[str]:
    """Milliseconds of a step, and of a round of each kind over it."""
    of = experiment(dataset, network)
    device = torch.device("cpu")
    images = of.dataset_card.load()(device, **of.dataset_options)
    entrant = Entrant(of, images, device)
    x, y = images.train(torch.arange(of.batch))
    light = LightProbe(entrant.norms, images)
    full = FullProbe(entrant.model, entrant.norms, images)
    sides = {
        "step": partial(entrant.train_step, x, y, 0.01),
        "light": partial(light.measure, entrant.model),
        "full": full.measure,
    }
    times = take_turns(sides, count + WARM_UP, time.process_time)
    ms = {name: 1e3 * median(turns[WARM_UP:]) for name, turns in times.items()}
    ratios = ms["light"] / ms["step"], ms["full"] / ms["step"], ms["full"] / ms["light"]
    size = f"{full.snapshot_bytes / 1000:.0f}"
    return [dataset, network, f"{ms['step']:.1f}", *(f"{ratio:.1f}" for ratio in ratios), size]


def throughput(dataset: str, network: str, stretch: int, stretches: int) -> list[str]:
    """Steps per second of a race with a probe over one without."""
    sides = {tier: trainer(experiment(dataset, network), tier) for tier in TIERS}
    for _ in range(stretches + 1):
        for side in sides.values():
            side.run(stretch)
    spent = {tier: sum(side.turns[1:]) for tier, side in sides.items()}  # the first one warms up
    return [dataset, network, *(f"{spent['off'] / spent[tier]:.2f}" for tier in TIERS[1:])]


def main() -> None:
    """Measure all, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="of each kind (default: 9)")
    parser.add_argument("--stretches", type=int, default=6, help="of a race (default: 6)")
    given = parser.parse_args()
    torch.set_num_threads(1)

    print("A round of the probe over a training step, kalman at (64, 2), CPU time:\n")
    print(markdown(
        ("pictures", "network", "step, ms", "light / step", "full / step", "full / light",
         "snapshot, kB"),
        [rounds(*setting, given.rounds) for setting in SETTINGS],
    ))  # fmt: skip
    print("\nSteps per second of a race over one with the probe off:\n")
    print(markdown(
        ("pictures", "network", "light", "full"),
        [throughput(*setting, 60, given.stretches) for setting in SETTINGS[:2]],
    ))  # fmt: skip


if __name__ == "__main__":
    main()
