"""What a method costs: the time of a training step over that of the network with nn.BatchNorm.

Every measurement is kept; readers are given the latest of every method.
"""

import json
from dataclasses import astuple, dataclass, field, fields
from typing import Any

from bkn.cards import Options


@dataclass(frozen=True)
class Cost:
    """One measurement, and on what it was made."""

    method: str
    network: str
    batch: int
    micro_batch: int
    device: str
    threads: int
    ratio: float  # step_ms over baseline_ms
    step_ms: float  # median
    baseline_ms: float  # median of the same step with nn.BatchNorm
    rounds: int
    machine: str
    measured_at: float  # seconds since the epoch
    options: Options = field(default_factory=dict)  # of the method

    def row(self) -> tuple[Any, ...]:
        """The values of the table's columns, in the order of the fields."""
        return (*astuple(self)[:-1], json.dumps(self.options, sort_keys=True))

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> "Cost":
        *plain, options = row
        return cls(*(*plain, json.loads(options)))


_COLUMNS = ", ".join(one.name for one in fields(Cost))
ADD_COST = f"INSERT INTO cost ({_COLUMNS}) VALUES ({', '.join('?' * len(fields(Cost)))})"
LATEST_COSTS = f"SELECT {_COLUMNS} FROM cost WHERE id IN (SELECT max(id) FROM cost GROUP BY method)"
