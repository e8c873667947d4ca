"""The race: every entrant takes the same step on the same batch, in turn.

    for step in steps:
        batch = batches.of(step)                 images, each in one or more copies
        for entrant in active entrants:
            entrant.train_step(batch, lr)        forward, backward, optimizer
        every 0.1 s: record                      losses, learning rate, ms; divergence ends a run
        every so many steps: test                by running statistics
        as its budget allows: probe              estimates against the truth, one entrant a step
    finish: test, probe and sum up

Watching changes nothing: what is recorded, tested or probed leaves weights, running statistics and
random streams as they were.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import torch

from bkn.data.base import Images
from bkn.diagnostics.diagnose import diagnose
from bkn.experiment import Race
from bkn.live import check_change, check_diagnosis, takes_live
from bkn.pace import steps_between_tests
from bkn.probe.budget import Budget
from bkn.probe.full import FullProbe
from bkn.probe.light import LightProbe
from bkn.probe.network_map import network_map
from bkn.training.batches import Batch, Batches
from bkn.training.device import resolve
from bkn.training.entrant import Entrant
from bkn.training.probing import Probing
from bkn.training.recipe import one_cycle
from bkn.training.reporter import Reporter
from bkn.training.sink import Sink

PART_SECONDS = 10.0  # that a part of a diagnosis may take, while the race waits


class RaceTrainer:
    """Advances a race one step at a time and tells a sink what happens.

    Args:
        race: what to train.
        sink: hears of rows, statuses and events.
        record_every: seconds between recorded rows at the least; 0 records every step.
        budget: of the probe; its own by default.

    Raises:
        ValueError: if the race's device is not on this machine.
    """

    def __init__(
        self, race: Race, sink: Sink, record_every: float = 0.1, budget: Budget | None = None
    ):
        self.race, self.sink = race, sink
        common = race.common
        device = resolve(common.device)
        self.images: Images = common.dataset_card.load()(device, **common.dataset_options)
        self.entrants = [Entrant(e, self.images, device) for e in race.experiments]
        self.step, self.steps = 0, common.steps
        self._batches = Batches(common, self.images)
        self._live: dict[str, Any] = {"lr": common.lr, "micro_batch": common.micro_batch}
        tested = self.images.test_size + self.images.held_out_size
        test_every = steps_between_tests(tested, common.step_images)
        budget = budget or Budget()
        self.test_every = test_every  # steps
        self._reporter = Reporter(self.entrants, sink, record_every, test_every, budget)
        full = self._full_probes()
        self._draw_maps(full)
        self._probing = Probing(self.entrants, self._light_probes(), full, sink, budget)

    @property
    def finished(self) -> bool:
        """Whether all steps are done or no run is left to take one."""
        return self.step >= self.steps or not self._reporter.active

    @property
    def probe_share(self) -> float:
        """Share of the time that probing took so far, 0..1."""
        return self._reporter.budget.used

    def first_batch(self) -> Batch:
        """The batch of the first step: what measurements of all runs and all steps look at."""
        return self._batches.of(0)

    def advance(self, record: bool = False) -> None:
        """One step of every active run; then record, test and probe as due.

        Args:
            record: write a row whatever the clock says (a single step by hand).
        """
        self._reporter.budget.tick()
        if self.step == 0:
            self._reporter.set_status("running", 0)
        batch = self._batches.of(self.step)
        lr = self._lr_of(self.step)
        self._probing.before_step(last=self.step == self.steps - 1)
        for run in self._reporter.active:
            x, y, domains = batch
            self.entrants[run].train_step(x, y, lr, domains)
        self.step += 1
        self._reporter.after_step(self.step, lr, record)
        self._probing.after_step(self.step)

    def finish(self) -> None:
        """Final rows, test, probe and summary of the runs that came through."""
        self._reporter.record(self.step, self._lr_of(self.step - 1))
        self._probing.finish(self.step)
        self._reporter.sum_up(self.step)
        self._reporter.set_status("finished", self.step)

    def stop(self, status: str = "stopped", message: str = "") -> None:
        """End the race before its last step; what was recorded stays."""
        self._reporter.record(self.step, self._lr_of(max(0, self.step - 1)))
        self._reporter.sum_up(self.step)
        self._reporter.set_status(status, self.step, message)

    def change(self, name: str, value: Any) -> None:
        """Change the learning rate's peak, the micro-batch or a live option while racing.

        Raises:
            ValueError: naming the field, the value and what is allowed.
        """
        value = check_change(self.race, name, value)
        self._live[name] = value
        self._apply_live()
        self.sink.event(self.step, name, {"value": value})

    def diagnose(
        self, value: Any, pulse: Callable[[], None], seconds: float = PART_SECONDS
    ) -> None:
        """Measure one entrant on the race's first batch and tell the sink: kind "diagnosis".

        The payload is what `bkn.diagnose` reports, with `run`, `step` and the learning rate `lr` of
        the next step under its peak `lr_peak`. All entrants see the same batch, at all steps.

        Args:
            value: {"run": position}.
            pulse: called between passes; what it raises ends the diagnosis.
            seconds: that a part of it may take.

        Raises:
            ValueError: for a wrong position, or a run that is over.
        """
        run = check_diagnosis(self.race, value)["run"]
        entrant = self.entrants[run]
        if not entrant.active:
            raise ValueError(f"run {run} cannot be diagnosed: it is {entrant.status}")
        x, y, domains = self.first_batch()
        with entrant.stream:
            report = diagnose(
                entrant.model, x, y, domains if entrant.takes_domains else None,
                micro_batch=self._live["micro_batch"], momentum=entrant.experiment.momentum,
                seconds=seconds, pulse=pulse,
            )  # fmt: skip
        rates = {"lr": self._lr_of(self.step), "lr_peak": self._live["lr"]}
        about = {"run": run, "step": self.step, **rates}
        self.sink.event(self.step, "diagnosis", about | report)

    def state(self) -> dict[str, Any]:
        """A checkpoint: tensors and plain values only."""
        runs = [entrant.state() for entrant in self.entrants]
        return {
            "step": self.step,
            "live": dict(self._live),
            "runs": runs,
            "snapshots": self._probing.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint of the same race, exactly where it was taken."""
        self.step, self._live = state["step"], dict(state["live"])
        for entrant, saved in zip(self.entrants, state["runs"], strict=True):
            entrant.restore(saved)
        self._probing.restore(state["snapshots"])
        self._apply_live()

    def _lr_of(self, step: int) -> float:
        return one_cycle(step, self.steps, self._live["lr"])

    def _draw_maps(self, full: Mapping[int, FullProbe]) -> None:
        """Say how each entrant's network looks, for whoever watches its layers.

        A full probe has traced its network already.
        """
        if self.race.probe == "off":
            return
        for run, entrant in enumerate(self.entrants):
            if run in full:
                network = full[run].network
            else:
                network = network_map(entrant.model, self.images.train(torch.arange(1))[0])
            self.sink.document(run, "network", json.dumps(network))

    def _light_probes(self) -> dict[int, LightProbe]:
        if self.race.probe == "off":
            return {}
        return {
            run: LightProbe(entrant.norms, self.images, entrant.takes_domains)
            for run, entrant in enumerate(self.entrants)
            if entrant.experiment.method_card.estimates
        }

    def _full_probes(self) -> dict[int, FullProbe]:
        if self.race.probe != "full":
            return {}
        return {run: self._full_probe(entrant) for run, entrant in enumerate(self.entrants)}

    def _full_probe(self, entrant: Entrant) -> FullProbe:
        estimates = entrant.experiment.method_card.estimates
        told = entrant.takes_domains
        return FullProbe(entrant.model, entrant.norms, self.images, told, estimates)

    def _apply_live(self) -> None:
        for name, value in self._live.items():
            for entrant in self.entrants:
                if name == "micro_batch" or takes_live(entrant.experiment, name):
                    entrant.change(name, value)
