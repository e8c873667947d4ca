"""A trainer without torch, and a look whether a process lives."""

import subprocess


class Toy:
    """Keeps the promises of a RaceTrainer; every step records one row per run."""

    def __init__(self, race, sink, steps=20, on_step=None):
        self.race, self.sink, self.steps, self.on_step = race, sink, steps, on_step
        self.step, self.lr, self.ended, self.recorded = 0, 0.05, "", []
        self.on_pass = None  # called with this toy before every pass of a diagnosis
        for run in range(len(race.experiments)):
            sink.columns(run, "train", ["loss"])

    @property
    def finished(self):
        return self.step >= self.steps

    def _tell(self, status, message=""):
        for run in range(len(self.race.experiments)):
            self.sink.status(run, status, self.step, message)

    def advance(self, record=False):
        if self.step == 0:
            self._tell("running")
        self.step += 1
        if record:
            self.recorded.append(self.step)
        for run in range(len(self.race.experiments)):
            self.sink.row(run, "train", self.step, [self.lr])
        if self.on_step:
            self.on_step(self)

    def change(self, name, value):
        if name != "lr" or value < 0:
            raise ValueError(f"{name} must not be {value}")
        self.lr = value
        self.sink.event(self.step, name, {"value": value})

    def diagnose(self, value, pulse):
        if value != {"run": 0}:
            raise ValueError(f"run must not be {value}")
        for _ in range(3):
            if self.on_pass:
                self.on_pass(self)
            pulse()
        self.sink.event(self.step, "diagnosis", value)

    def state(self):
        return {"step": self.step, "lr": self.lr}

    def restore(self, state):
        self.step, self.lr = state["step"], state["lr"]

    def finish(self):
        self.ended = "finished"
        self._tell("finished")

    def stop(self, status="stopped", message=""):
        self.ended = status
        self._tell(status, message)


def lives(pid):
    """Whether the process is there and no zombie."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(found.stdout.strip()) and not found.stdout.strip().startswith("Z")
