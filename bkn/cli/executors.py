"""What trains the experiments of a command: processes of this machine, or a Ray cluster."""

import argparse
from collections.abc import Callable, Collection
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from bkn.cards import as_number
from bkn.engine.conductor import Conductor
from bkn.engine.executor import Executor
from bkn.engine.local import LocalExecutor

EXECUTORS = ("local", "ray")


def add_executor(parser: argparse.ArgumentParser) -> None:
    """Where to train, and how much at a time."""
    parser.add_argument("--executor", default="local", help="local or ray (default: local)")
    parser.add_argument(
        "--address",
        default="auto",
        help="of the Ray cluster: auto (the one that this machine has joined), HOST:PORT, or local "
        "(one of its own on this machine; default: auto)",
    )
    parser.add_argument(
        "--jobs",
        help="experiments at a time (default: local: one per GPU, or cores but one; "
        "ray: as many as the cluster has room for)",
    )
    parser.add_argument("--cpus", help="of a Ray node that an experiment takes (default: 1)")
    parser.add_argument(
        "--gpus", help="of a Ray node that an experiment takes; 0.25: four share one (default: 1)"
    )
    parser.add_argument(
        "--install",
        type=Path,
        metavar="FILE",
        help="packages that every Ray node installs first: requirements.txt (default: none)",
    )


def conductor_of(
    given: argparse.Namespace, home: Path, datasets: Collection[str] = ()
) -> Conductor:
    """A conductor with the executor that the command line asks for.

    Args:
        given: the arguments.
        home: folder of the store.
        datasets: that are trained on; the nodes of a cluster need their files.

    Raises:
        ValueError: for an unknown executor, wrong numbers, or if Ray is not installed or nobody
            answers at its address.
        StoreError: if the store cannot be used.
    """
    make, slots = maker_of(given, home, datasets), jobs_of(given)
    return Conductor(home, make, slots)


def maker_of(
    given: argparse.Namespace, home: Path, datasets: Collection[str] = ()
) -> Callable[[], Executor]:
    """What makes the executor that the command line asks for; see `conductor_of`."""
    slots = jobs_of(given)
    if given.executor not in EXECUTORS:
        raise ValueError(f"executor must be {' or '.join(EXECUTORS)}, got {given.executor!r}")
    if given.executor == "local":
        _refuse_rays(given)
        return partial(LocalExecutor, home, slots)
    if find_spec("ray") is None:
        raise ValueError(
            "--executor ray needs Ray, which is not installed: pip install -r requirements-ray.txt"
        )
    cluster = import_module("bkn.engine.ray_cluster")
    cluster.check_address(cluster.load_ray(), given.address)
    wants = {"cpus": _share(given, "cpus"), "gpus": _share(given, "gpus")}
    executor = import_module("bkn.engine.ray_executor").RayExecutor
    known = {name: value for name, value in wants.items() if value is not None}
    more = {"datasets": tuple(datasets), "pip": packages_of(given), **known}
    return partial(executor, given.address, slots, **more)


def packages_of(given: argparse.Namespace) -> tuple[str, ...]:
    """The packages that every node of the cluster installs first.

    Raises:
        ValueError: if their file cannot be read, or asks for other files.
    """
    if given.install is None:
        return ()
    try:
        lines = [line.partition("#")[0].strip() for line in given.install.read_text().splitlines()]
    except (OSError, UnicodeError) as error:
        raise ValueError(f"install must name a file with packages: {error}") from error
    if options := [line for line in lines if line.startswith("-")]:
        raise ValueError(f"{given.install} must list packages only, got {options[0]!r}")
    return tuple(line for line in lines if line)


def jobs_of(given: argparse.Namespace) -> int | None:
    """Experiments at a time; None: as the executor likes."""
    if given.jobs is None:
        return None
    number = as_number(given.jobs)
    if number is None or number < 1 or number != int(number):
        raise ValueError(f"jobs must be a whole number above 0, got {given.jobs!r}")
    return int(number)


def _refuse_rays(given: argparse.Namespace) -> None:
    """What only a cluster heeds would pass for heeded."""
    told = {"address": given.address != "auto"}
    told |= {name: getattr(given, name) is not None for name in ("cpus", "gpus", "install")}
    if said := [f"--{name}" for name, is_told in told.items() if is_told]:
        raise ValueError(f"{', '.join(said)} would change nothing without --executor ray")


def _share(given: argparse.Namespace, name: str) -> float | None:
    """CPUs or GPUs of a node that an experiment takes; a GPU can be shared, several only whole."""
    text = getattr(given, name)
    if text is None:
        return None
    number = as_number(text)
    if name == "cpus" and (number is None or number <= 0):
        raise ValueError(f"cpus must be a number above 0, got {text!r}")
    if number is None or number < 0 or (name == "gpus" and number > 1 and number != int(number)):
        raise ValueError(f"gpus must be a share such as 0.25 or a whole number, got {text!r}")
    return float(number)
