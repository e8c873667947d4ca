"""The control loop of a race: commands between steps, pauses, speed limit, checkpoints.

    until finished:
        apply commands; wait here while paused or ahead of the speed limit
            a diagnosis is made here too; the race waits for it, and stop ends it
        trainer.advance()
        save a checkpoint when one is due

It knows the trainer by its promises only, so tests run it with a toy one and without torch.
"""

import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from bkn.engine.commands import check_speed
from bkn.engine.sink import StoreSink

SAVE_FIRST = 1.0  # seconds until the first checkpoint
SAVE_EVERY = 5.0  # seconds between checkpoints, at the least
SAVE_COST = 0.02  # of the time, at the most
SAVE_AFTER_CHANGE = 0.5  # seconds: what was set by hand should survive a crash
GONE = {"do": "gone"}  # the parent closed the pipe
ENDING = ("stop", "gone")  # what a diagnosis does not keep waiting


class GivenUp(Exception):  # noqa: N818 - it reads as what happened, not as a fault
    """The race is to end, so the diagnosis does."""


class Trainer(Protocol):
    """What the loop asks of a trainer; see bkn.training.race.RaceTrainer."""

    step: int
    steps: int

    @property
    def finished(self) -> bool: ...
    def advance(self, record: bool = False) -> None: ...
    def change(self, name: str, value: Any) -> None: ...
    def diagnose(self, value: Any, pulse: Callable[[], None]) -> None: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...
    def finish(self) -> None: ...
    def stop(self, status: str = "stopped", message: str = "") -> None: ...


class Loop:
    """Runs one race to its end.

    Args:
        trainer: advances the race.
        sink: of the same race.
        inbox: messages from the supervisor, see commands.py; GONE ends the race resumably.
        save: writes a checkpoint.
        speed: steps per second at the most.
        paused: wait for a command before the first step.
    """

    def __init__(
        self,
        trainer: Trainer,
        sink: StoreSink,
        inbox: "SimpleQueue[dict[str, Any]]",
        save: Callable[[], None],
        speed: float | None = None,
        paused: bool = False,
    ):
        self.trainer, self.sink, self.inbox = trainer, sink, inbox
        self.speed, self.paused = speed, paused
        self.ending = ""  # stop or gone
        self._save = save
        self._singles = 0  # steps by hand still to do
        self._held: deque[dict[str, Any]] = deque()  # came during a diagnosis, not yet applied
        self._due = time.monotonic()  # when the speed limit allows the next step
        self._save_due = time.monotonic() + SAVE_FIRST
        if paused:
            sink.pause(trainer.step, True)

    def run(self) -> None:
        """Train until finished, stopped or abandoned; the store then says which."""
        while not self.trainer.finished:
            self._listen()
            if self.ending:
                break
            self._advance()
            if time.monotonic() >= self._save_due:
                self._checkpoint()
        if not self.ending:
            self.trainer.finish()
        elif self.ending == "stop":
            self._checkpoint()
            self.trainer.stop()
        else:
            self._checkpoint()
            step = self.trainer.step
            why = "The server that ran it ended."
            self.sink.end("interrupted", f"{why} It can be resumed from step {step}.")

    def _advance(self) -> None:
        by_hand, self._singles = self._singles > 0, max(0, self._singles - 1)
        self.trainer.advance(record=by_hand)
        if self.speed:
            self._due = max(time.monotonic(), self._due + 1 / self.speed)

    def _listen(self) -> None:
        """Apply what has come; return when the next step may be taken, or the race must end."""
        while not self.ending and not self._singles:
            try:
                if self._held:
                    message = self._held.popleft()
                elif self.paused:
                    message = self.inbox.get()
                elif self.speed and (wait := self._due - time.monotonic()) > 0:
                    message = self.inbox.get(timeout=wait)
                else:
                    message = self.inbox.get_nowait()
            except Empty:
                return
            self._apply(message)

    def _apply(self, message: dict[str, Any]) -> None:
        """Do what one message says and note it; a refusal is noted too and harms nothing."""
        name, value = message["do"], message.get("value")
        try:
            self._do(name, value)
        except ValueError as refusal:
            told = {"command": name, "value": value, "message": str(refusal)}
            self.sink.event(self.trainer.step, "refused", told)

    def _do(self, name: str, value: Any) -> None:
        if name == "gone":
            self.ending = "gone"
        elif name == "stop":
            self._note("stop")
            self.ending = "stop"
        elif name == "pause" and not self.paused:
            self._pause(True)
            self._note("pause")
            self._checkpoint()
        elif name == "resume" and self.paused:
            self._pause(False)
            self._note("resume")
        elif name == "step":
            if not self.paused:
                self._pause(True)
            self._singles += 1
            self._note("step")
        elif name == "speed":
            self.speed, self._due = check_speed(value), time.monotonic()
            self._note("speed", value=self.speed)
        elif name == "diagnose":
            self._diagnose(value)
        elif name not in ("pause", "resume"):
            self.trainer.change(name, value)  # tells the sink itself
            self._save_due = min(self._save_due, time.monotonic() + SAVE_AFTER_CHANGE)

    def _diagnose(self, value: Any) -> None:
        """Let the trainer measure and tell the sink; give up when the race is to end."""
        try:
            self._hear()
            self._note("diagnose", value=value)
            self.trainer.diagnose(value, self._hear)
        except GivenUp:
            self._note("refused", command="diagnose", value=value, message="the race was ended")
        self._due = time.monotonic()

    def _hear(self) -> None:
        """Between two passes of a diagnosis: keep what comes for later.

        Raises:
            GivenUp: when the race is to end; everything said before is applied first.
        """
        while not self.inbox.empty():
            self._held.append(self.inbox.get())
        if any(message["do"] in ENDING for message in self._held):
            raise GivenUp

    def _pause(self, paused: bool) -> None:
        self.paused, self._due = paused, time.monotonic()
        self.sink.pause(self.trainer.step, paused)

    def _note(self, kind: str, **payload: Any) -> None:
        self.sink.event(self.trainer.step, kind, payload)

    def _checkpoint(self) -> None:
        began = time.monotonic()
        self._save()
        now = time.monotonic()
        self._save_due = now + max(SAVE_EVERY, (now - began) / SAVE_COST)
