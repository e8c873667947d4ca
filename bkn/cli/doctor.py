"""Is this machine fit for BKN Lab? Versions, devices, store, disk, and two seconds of training."""

import argparse
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version

from bkn.experiment import Race
from bkn.store.facts import store_facts
from bkn.store.home import home

PACKAGES = ("torch", "torchvision", "streamlit", "plotly", "pandas", "numpy", "scipy", "tqdm")
SELF_TEST = 2.0  # seconds, at the least
FEWEST_STEPS = 20  # after fewer a loss need not have fallen
LITTLE_DISK = 0.5  # GB


def add(parser: argparse.ArgumentParser) -> None:
    """The doctor takes no options."""


def run(given: argparse.Namespace) -> int:
    """Print a line per finding; status 1 if anything is wrong."""
    healthy = [_versions(), _devices(), _store(), _self_test()]
    print("all well" if all(healthy) else "something is wrong, see above")
    return 0 if all(healthy) else 1


def _versions() -> bool:
    print(f"python      {platform.python_version()} on {platform.system()} {platform.machine()}")
    missing = False
    for package in PACKAGES:
        try:
            print(f"{package:<11} {version(package)}")
        except PackageNotFoundError:
            print(f"{package:<11} missing: pip install -r requirements.txt")
            missing = True
    return not missing and sys.version_info >= (3, 10)


def _devices() -> bool:
    import torch

    from bkn.training.device import cpu_threads, resolve

    auto = resolve("auto")
    name = torch.cuda.get_device_name(auto) if auto.type == "cuda" else str(auto)
    print(f"device      {name}; {cpu_threads()} thread(s) for training on the CPU")
    return True


def _store() -> bool:
    facts = store_facts(home())
    print(f"store       {facts.path}: {facts.runs} runs, {facts.size / 1e6:.1f} MB")
    if facts.problem:
        print(f"store       {facts.problem}")
    free = facts.free / 1e9
    print(f"disk        {free:.1f} GB free" + (": too little" if free < LITTLE_DISK else ""))
    return not facts.problem and free >= LITTLE_DISK


def _self_test() -> bool:
    """Train batch and Kalman normalization for two seconds; their losses must fall."""
    from bkn.training.device import training_threads
    from bkn.training.race import RaceTrainer
    from bkn.training.run import MemorySink

    race = Race.of(["batch", "kalman"], epochs=100)
    sink = MemorySink(race)
    with training_threads():
        trainer = RaceTrainer(race, sink, record_every=0.0)
        began = time.monotonic()
        while not trainer.finished and (
            time.monotonic() - began < SELF_TEST or trainer.step < FEWEST_STEPS
        ):
            trainer.advance()
        seconds = time.monotonic() - began
    healthy = True
    for run in sink.runs:
        losses = run.scalars()["loss"].dropna()
        fell = len(losses) > 1 and losses.iloc[-1] < losses.iloc[0]
        words = f"{len(losses) / seconds:.0f} steps/s" if fell else "its loss did not fall"
        print(f"self-test   {run.experiment.label}: {words}")
        healthy = healthy and fell
    return healthy
