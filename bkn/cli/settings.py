"""The race's settings as command line options, made from Experiment's fields and the cards."""

import argparse
from collections.abc import Collection
from dataclasses import fields
from typing import Any

from bkn.catalog import DATASETS
from bkn.catalog.networks import OWN
from bkn.experiment import AUGMENTS, LAYOUTS, PROBES, Experiment, Options, Race

ENTRANTS = ("batch", "group", "kalman")
PLAIN = (
    "batch", "micro_batch", "copies", "layout", "augment", "lr", "epochs", "seed", "device",
    "momentum", "weight_decay",
)  # fmt: skip
CHOICES = {"layout": LAYOUTS, "augment": AUGMENTS}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """One option per setting of a race; values are validated by the library, not here."""
    defaults = {field.name: field.default for field in fields(Experiment)}
    parser.add_argument(
        "methods",
        nargs="*",
        metavar="METHOD",
        help="entrants such as batch or kalman:gain=0.5,transition=sampled "
        f"(default: {' '.join(ENTRANTS)})",
    )
    networks = [*OWN, "or a model of torchvision with BatchNorm layers such as resnet18"]
    for name, known in (("dataset", DATASETS), ("network", networks)):
        words = f"{', '.join(known)} (default: {defaults[name]})"
        parser.add_argument(f"--{name}", default=defaults[name], help=words)
    add_plain(parser)
    parser.add_argument(
        "--probe", default="light", help=f"{', '.join(PROBES)} (default: %(default)s)"
    )


def add_plain(parser: argparse.ArgumentParser, but: Collection[str] = ()) -> None:
    """The plain settings, and the options of dataset and network.

    Args:
        parser: to add to.
        but: settings that the command asks for in a way of its own.
    """
    defaults = {field.name: field.default for field in fields(Experiment)}
    for name in ("dataset", "network"):
        parser.add_argument(
            f"--{name}-option", action="append", default=[], metavar="NAME=VALUE", help="repeatable"
        )
    for name in PLAIN:
        if name not in but:
            flag = f"--{name.replace('_', '-')}"
            words = f"{', '.join(CHOICES[name])}; " if name in CHOICES else ""
            parser.add_argument(
                flag, default=defaults[name], help=f"{words}default: {defaults[name]}"
            )


def race_of(given: argparse.Namespace) -> Race:
    """The race that the command line asks for.

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """
    return Race.of(
        given.methods or ENTRANTS,
        probe=given.probe,
        dataset=given.dataset,
        network=given.network,
        dataset_options=options_of(given.dataset_option, "dataset"),
        network_options=options_of(given.network_option, "network"),
        **plain_of(given),
    )


def plain_of(given: argparse.Namespace, but: Collection[str] = ()) -> dict[str, Any]:
    """The plain settings that were given."""
    return {name: getattr(given, name) for name in PLAIN if name not in but}


def options_of(pairs: list[str], owner: str) -> Options:
    """NAME=VALUE as options.

    Raises:
        ValueError: for anything else.
    """
    options: Options = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--{owner}-option must read NAME=VALUE, got {pair!r}")
        options[name] = value  # as it was typed, so that a refusal shows it so
    return options
