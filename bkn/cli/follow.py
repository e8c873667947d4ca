"""Start a race in a worker process and follow it in the store, with a progress bar."""

import time

from tqdm import tqdm

from bkn.engine.supervisor import Supervisor
from bkn.experiment import Race
from bkn.store.cache import RaceCache
from bkn.store.reader import Reader
from bkn.store.records import RaceRow, RunRow

LOOK_EVERY = 0.2  # seconds


def run_race(supervisor: Supervisor, race: Race, speed: float | None = None) -> RaceRow:
    """Train a race to its end; one line of progress with the time that is left.

    Ctrl-C stops the race; what it recorded stays in the store.

    Args:
        supervisor: starts and looks after the worker.
        race: what to train.
        speed: steps per second at the most; None: as fast as it goes.
    """
    race_id = supervisor.start(race, speed)
    cache = RaceCache(supervisor.reader, race_id)
    with tqdm(total=race.common.steps, unit="step", desc=f"race {race_id}", mininterval=0.5) as bar:
        while (row := _row(supervisor.reader, race_id)).active:
            _show(cache, bar)
            try:
                time.sleep(LOOK_EVERY)
            except KeyboardInterrupt:
                supervisor.send(race_id, "stop")
        _show(cache, bar)
    return row


def results(runs: list[RunRow]) -> str:
    """A line per entrant: accuracies, loss and time, or how it ended."""
    width = max(len(run.label) for run in runs)
    return "\n".join(f"{run.label:<{width}}  {_result(run)}" for run in runs)


def _row(reader: Reader, race_id: str) -> RaceRow:
    row = reader.race(race_id)
    if row is None:
        raise ValueError(f"race {race_id} has vanished from the store {reader.path}")
    return row


def _show(cache: RaceCache, bar: "tqdm[None]") -> None:
    """Steps done and each entrant's latest training loss in nats."""
    if not cache.refresh():
        return
    losses = (cache.latest(run.position, "loss") for run in cache.runs)
    names = (run.experiment.entrant for run in cache.runs)
    words = [f"{n} {x:.3f}" for n, x in zip(names, losses, strict=True) if x is not None]
    bar.set_postfix_str("loss " + ", ".join(words) if words else "starting", refresh=False)
    bar.update(max(run.step for run in cache.runs) - bar.n)


def _result(run: RunRow) -> str:
    summary = run.summary
    if "test_accuracy" not in summary:
        return f"{run.status}: {run.message}" if run.message else run.status
    words = "" if run.status == "finished" else f"  ({run.status} at step {run.step})"
    held_out = ""
    if "held_out_accuracy" in summary:
        held_out = f"held-out {100 * summary['held_out_accuracy']:.1f} %  "
    return (
        f"test accuracy {100 * summary['test_accuracy']:.1f} %  {held_out}"
        f"loss {summary['test_loss']:.3f} nats  {summary['step_ms']:.1f} ms/step{words}"
    )
