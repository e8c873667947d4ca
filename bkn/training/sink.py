"""Where a race's events go: the only thing the trainer knows about recording.

The worker hands in a sink that writes to the store, headless training one that keeps all in
memory, tests whatever they like. `run` is the entrant's position in the race, from 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

# Streams of rows and their columns. The columns of the probes' streams are "layer/metric"; of the
# full probe's also some of the whole run, without a slash.
TRAIN, TEST, PROBE, FULL_PROBE = "train", "test", "probe", "full"
TRAIN_COLUMNS = ("loss", "loss_min", "loss_max", "lr", "step_ms", "probe_share")
TEST_COLUMNS = ("test_loss", "test_accuracy")  # nats, fraction; by running statistics
HELD_OUT = "held_out_accuracy"  # fraction; a further test column where a domain is held out


class Sink(Protocol):
    """Receives what happens in a race, in order."""

    def columns(self, run: int, stream: str, names: Sequence[str]) -> None:
        """Name the columns of a stream, once, before its first row."""

    def row(self, run: int, stream: str, step: int, values: Sequence[float]) -> None:
        """One recorded row, after `step` optimizer steps (0 = before the first)."""

    def status(self, run: int, status: str, step: int, message: str = "") -> None:
        """running, paused, finished, stopped, diverged or failed, with words where it helps."""

    def event(self, step: int, kind: str, payload: Mapping[str, Any]) -> None:
        """A change by hand to the whole race: kind lr, micro_batch, gain, pause, resume ..."""

    def document(self, run: int, name: str, body: str) -> None:
        """What a run says once, as JSON: its "network", the "layout" of its snapshots."""

    def snapshot(self, run: int, step: int, data: bytes) -> None:
        """What a full probe saw after `step` steps, packed by the run's layout (bkn.snapshot)."""

    def drop_snapshots(self, run: int, steps: Sequence[int]) -> None:
        """These snapshots are not needed any more: a long run keeps every second one."""

    def summary(self, run: int, values: Mapping[str, float]) -> None:
        """Final figures of one run: test_accuracy, test_loss, steps, seconds, ..."""


class Nowhere:
    """A sink for steps that nobody wants to hear of."""

    def columns(self, *_: Any) -> None: ...
    def row(self, *_: Any) -> None: ...
    def status(self, *_: Any) -> None: ...
    def event(self, *_: Any) -> None: ...
    def document(self, *_: Any) -> None: ...
    def snapshot(self, *_: Any) -> None: ...
    def drop_snapshots(self, *_: Any) -> None: ...
    def summary(self, *_: Any) -> None: ...
