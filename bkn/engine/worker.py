"""The worker process: `python -m bkn.engine.worker --home DIR --id ID`. Trains one race.

It reads commands as JSON lines from stdin and writes to the store. Started ahead of time it
imports torch, takes a step of a small race and waits; so a race then starts at once. When stdin
ends the server is gone: it saves a checkpoint and ends, within DEADLINE whatever it is doing.
"""

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from bkn.catalog import METHODS
from bkn.engine import checkpoint
from bkn.engine.closing import close_race
from bkn.engine.commands import decode
from bkn.engine.loop import GONE, Loop, Trainer
from bkn.engine.recorder import Recorder
from bkn.engine.sink import StoreSink
from bkn.experiment import MAX_ENTRANTS, Race
from bkn.store.errors import StoreError
from bkn.store.home import checkpoint_path, store_path
from bkn.store.reader import Reader
from bkn.store.writer import Writer
from bkn.training.sink import Nowhere, Sink

DEADLINE = 2.0  # seconds from the end of stdin to the end of this process
ACTIVE_IN_TRAINER = ("queued", "running")

MakeTrainer = Callable[[Race, Sink], Trainer]


def make_race_trainer(race: Race, sink: Sink) -> Trainer:
    """The real trainer; this is where torch gets imported."""
    from bkn.training.race import RaceTrainer

    set_threads()
    return RaceTrainer(race, sink)


class Worker:
    """One worker's life: get ready, wait, run one race.

    Args:
        home: folder of the store, checkpoints and logs.
        worker_id: under which the store knows this worker.
        inbox: messages, see commands.py.
        make_trainer: builds the trainer of a race.
    """

    def __init__(
        self,
        home: Path,
        worker_id: str,
        inbox: "SimpleQueue[dict[str, Any]]",
        make_trainer: MakeTrainer = make_race_trainer,
    ):
        self.home, self.inbox, self.make_trainer = home, inbox, make_trainer
        self.recorder = Recorder(store_path(home), worker_id)

    def run(self, prepare: Callable[[], None] = lambda: None) -> None:
        """Prepare, wait, then run the race that is asked for."""
        try:
            prepare()
            self.recorder.state = "idle"
            self.recorder.flush()
            message = self.inbox.get()
            if message["do"] in ("start", "resume"):
                self.recorder.state, self.recorder.race_id = "racing", message["race_id"]
                self._race_in_words(message)
        finally:
            self.recorder.close()

    def abandon(self) -> None:
        """Mark the race, from another thread: there is no time left to save it."""
        if self.recorder.race_id:
            self._close(self.recorder.race_id, "The server that ran it ended.")

    def _race_in_words(self, message: dict[str, Any]) -> None:
        """Run the race; whatever goes wrong ends in its runs' message, and in the log."""
        race_id = message["race_id"]
        try:
            self._race(message)
        except StoreError as error:
            if error.kind != "lost":  # a status may still fit where a batch does not
                self._close(race_id, sentence(str(error)))
            raise
        except Exception as error:  # told to the user, and raised into the log
            words = explain(error)
            self.recorder.put(lambda writer: _fail(writer, race_id, words))
            self.recorder.flush()
            raise

    def _close(self, race_id: str, why: str) -> None:
        reader = Reader(store_path(self.home))
        race = reader.race(race_id)
        reader.close()
        if race is not None and race.active:
            close_race(self.home, race, why)

    def _race(self, message: dict[str, Any]) -> None:
        race_id, race = message["race_id"], Race.from_json(message["race"])
        reader = Reader(store_path(self.home))
        run_ids = [run.id for run in reader.runs(race_id)]
        reader.close()
        path = checkpoint_path(self.home, race_id)
        saved = checkpoint.read(path) if message["do"] == "resume" else None
        sink = StoreSink(self.recorder, race_id, run_ids, saved["elapsed"] if saved else 0.0)
        trainer = self.make_trainer(race, sink)
        if saved:
            self._restore(race_id, trainer, sink, saved)

        def save() -> None:
            self._save(race_id, path, trainer, sink)

        speed, paused = message.get("speed"), bool(message.get("paused"))
        loop = Loop(trainer, sink, self.inbox, save, speed, paused)
        loop.run()
        if not loop.ending:  # nothing is left to continue from
            self.recorder.put(lambda writer: writer.set_checkpoint(race_id, None))
        self.recorder.flush()
        if not loop.ending:
            path.unlink(missing_ok=True)

    def _save(self, race_id: str, path: Path, trainer: Trainer, sink: StoreSink) -> None:
        step = trainer.step
        data = checkpoint.pack(
            {"elapsed": sink.elapsed, "statuses": sink.statuses, "trainer": trainer.state()}
        )
        self.recorder.put(
            lambda writer: writer.set_checkpoint(race_id, step),
            first=lambda: checkpoint.write(path, data),
        )

    def _restore(
        self, race_id: str, trainer: Trainer, sink: StoreSink, saved: dict[str, Any]
    ) -> None:
        trainer.restore(saved["trainer"])
        step = trainer.step
        self.recorder.put(lambda writer: writer.rewind(race_id, step))
        sink.event(step, "resumed", {})
        for run, status in enumerate(saved["statuses"]):
            if status in ACTIVE_IN_TRAINER:
                sink.summary(run, {})
                sink.status(run, "running" if step else "queued", step)
            else:
                sink.statuses[run] = status


def _fail(writer: Writer, race_id: str, words: str) -> None:
    writer.end_race(race_id, "failed", words)


def explain(error: Exception) -> str:
    """What stopped a race, as a sentence."""
    text = str(error)
    if isinstance(error, MemoryError) or "out of memory" in text or "allocate memory" in text:
        return f"Out of memory: choose a smaller batch, width or depth ({text})."
    return sentence(text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}")


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def listen(inbox: "SimpleQueue[dict[str, Any]]", on_gone: Callable[[], None]) -> None:
    """Read stdin until it ends; then say GONE and call `on_gone`."""
    for line in sys.stdin.buffer:
        try:
            inbox.put(decode(line))
        except ValueError as error:  # whoever wrote it reads the log; the race goes on
            print(error, file=sys.stderr)
    inbox.put(GONE)
    on_gone()


def set_threads() -> None:
    """Leave one core to the page."""
    import torch

    from bkn.training.device import cpu_threads

    torch.set_num_threads(cpu_threads())


def warm_up() -> None:
    """Import torch and take one step with every method: the first step is the slow one."""
    trainer = make_race_trainer(Race.of(list(METHODS)[:MAX_ENTRANTS]), Nowhere())
    trainer.advance()


def main() -> None:
    """Entry of the process; it exits without torch's slow farewell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--cold", action="store_true", help="a race waits: no warming up")
    given = parser.parse_args()
    inbox: SimpleQueue[dict[str, Any]] = SimpleQueue()
    worker = Worker(given.home, given.id, inbox)

    def give_up() -> None:
        time.sleep(DEADLINE)
        threading.Timer(0.5, os._exit, (1,)).start()  # should the store not answer either
        worker.abandon()
        os._exit(1)

    def hang_up(*_: Any) -> None:
        inbox.put(GONE)
        threading.Thread(target=give_up, daemon=True).start()

    signal.signal(signal.SIGTERM, hang_up)
    threading.Thread(target=listen, args=(inbox, give_up), daemon=True).start()
    try:
        if given.cold:
            worker.run()
        else:
            worker.run(prepare=warm_up)
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
