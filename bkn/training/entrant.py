"""One entrant of a race: its network, optimizer and random stream, and how it takes a step."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bkn.cards import Options
from bkn.data.base import Images
from bkn.experiment import Experiment
from bkn.normalizers.hooks import Hooks
from bkn.surgery.convert import convert, norm_layers
from bkn.training.device import RandomStream
from bkn.training.recipe import make_optimizer

DIVERGED = 1e3  # nats; a loss above it, or none at all, ends the run
TEST_CHUNK = 500  # images


class Entrant:
    """A model in training. Losses wait on the device until somebody asks for them."""

    def __init__(self, experiment: Experiment, images: Images, device: torch.device):
        self.experiment, self.images, self.device = experiment, images, device
        self.status, self.step, self.seconds = "queued", 0, 0.0
        self._losses: list[Tensor] = []  # of the steps since the last `take_losses`
        self._timed_from = 0.0
        self.stream = RandomStream(experiment.seed, device)
        with self.stream:  # the same seed before every network: all entrants start equal
            network = experiment.network_card.load()(
                images.shape[0], images.shape[1:], images.classes, **experiment.network_options
            )
        self.takes_domains = experiment.method_card.takes_domains
        options = told_domains(experiment, images) if self.takes_domains else experiment.options
        model = convert(network, experiment.method, micro_batch=experiment.micro_batch, **options)
        self.model: nn.Module = model.to(device).train()
        self.norms = norm_layers(model)
        self.hooks = Hooks(self.model)
        self.hooks.plan(experiment.steps)
        self.optimizer = make_optimizer(self.model, experiment, self.hooks.undecayed())

    @property
    def active(self) -> bool:
        return self.status in ("queued", "running")

    def train_step(self, x: Tensor, y: Tensor, lr: float, domains: Tensor | None = None) -> None:
        """One optimizer step on a batch x (n, C, H, W), y (n,) and the images' domains (n,)."""
        told = (domains,) if self.takes_domains else ()
        began = time.perf_counter()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        with self.stream:
            self.hooks.before_forward()
            loss = cross_entropy(self.model(x, *told), y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.hooks.before_step()
            self.optimizer.step()
            self.hooks.after_step(lambda: self.model(x, *told))
        self._losses.append(loss.detach())
        self.step += 1
        self.seconds += time.perf_counter() - began

    def take_losses(self) -> list[float]:
        """Training losses in nats of the steps since the last call."""
        losses = torch.stack(self._losses).tolist() if self._losses else []
        self._losses.clear()
        return losses

    def take_step_ms(self, steps: int) -> float:
        """Milliseconds per step over the last `steps` steps."""
        spent, self._timed_from = self.seconds - self._timed_from, self.seconds
        return 1e3 * spent / max(1, steps)

    def test(self) -> tuple[float, ...]:
        """Loss in nats and accuracy as a fraction on the test split, by running statistics.

        Where the data hold out a domain, also the accuracy on that: of it no model is told.
        """

        def seen(index: Tensor) -> tuple[Tensor, Tensor]:
            x, y = self.images.test(index)
            told = (self.images.test_domains(index),) if self.takes_domains else ()
            return self.model(x, *told), y

        def unseen(index: Tensor) -> tuple[Tensor, Tensor]:
            x, y = self.images.held_out_test(index)
            return self.model(x), y

        figures = self._tested(seen, self.images.test_size)
        if self.images.held_out:
            figures = *figures, self._tested(unseen, self.images.held_out_size)[1]
        return figures

    @torch.no_grad()
    def _tested(
        self, ask: Callable[[Tensor], tuple[Tensor, Tensor]], size: int
    ) -> tuple[float, ...]:
        """Loss and accuracy over a split; `ask` gives logits and labels at some positions."""
        self.model.eval()
        loss = torch.zeros((), device=self.device, dtype=torch.float64)
        right = torch.zeros((), device=self.device, dtype=torch.int64)
        for index in torch.arange(size).split(TEST_CHUNK):
            logits, y = ask(index)
            loss += cross_entropy(logits, y, reduction="sum")
            right += (logits.argmax(1) == y).sum()
        self.model.train()
        return loss.item() / size, right.item() / size

    def change(self, name: str, value: Any) -> None:
        """Set the micro-batch or a live option on every normalizer, from the next step on."""
        for norm in self.norms.values():
            setattr(norm, name, value)

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds: tensors and plain values only."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.stream.states,
            "status": self.status,
            "step": self.step,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.stream.states = list(state["random"])
        self.status, self.step = state["status"], state["step"]
        self.seconds = self._timed_from = state["seconds"]
        self._losses.clear()


def told_domains(experiment: Experiment, images: Images) -> Options:
    """The options of a method that takes domains, with their number where it is "auto"."""
    if experiment.options["domains"] == "auto":
        return {**experiment.options, "domains": len(images.domains)}
    return experiment.options


def first_divergence(losses: list[float]) -> int | None:
    """Index of the first loss that is not finite or above DIVERGED, else None."""
    for index, loss in enumerate(losses):
        if not math.isfinite(loss) or loss > DIVERGED:
            return index
    return None
