"""Cheap figures of a training run for its summary: names, and how they are measured."""

from collections.abc import Mapping
from typing import Any

from bkn.training.race import RaceTrainer

Figures = dict[str, float]


def at_start(trainer: RaceTrainer) -> Figures:
    """Figures of a network before its first step."""
    return {}


def at_end(trainer: RaceTrainer) -> Figures:
    """Figures of a network after its last step."""
    return {}


def of_report(report: Mapping[str, Any]) -> Figures:
    """Figures of a diagnosis, see `bkn.diagnose`."""
    return {}
