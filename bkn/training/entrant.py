"""One entrant of a race: its network, optimizer and random stream, and how it takes a step."""

import math
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

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
        model = convert(
            network, experiment.method, micro_batch=experiment.micro_batch, **experiment.options
        )
        self.model: nn.Module = model.to(device).train()
        self.norms = norm_layers(model)
        self.hooks = Hooks(self.model)
        self.hooks.plan(experiment.steps)
        self.optimizer = make_optimizer(self.model, experiment, self.hooks.undecayed())

    @property
    def active(self) -> bool:
        return self.status in ("queued", "running")

    def train_step(self, x: Tensor, y: Tensor, lr: float) -> None:
        """One optimizer step on a batch x (B, C, H, W), y (B,)."""
        began = time.perf_counter()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        with self.stream:
            self.hooks.before_forward()
            loss = cross_entropy(self.model(x), y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.hooks.before_step()
            self.optimizer.step()
            self.hooks.after_step(lambda: self.model(x))
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

    @torch.no_grad()
    def test(self) -> tuple[float, float]:
        """Loss in nats and accuracy as a fraction on the test split, by running statistics."""
        self.model.eval()
        loss = torch.zeros((), device=self.device, dtype=torch.float64)
        right = torch.zeros((), device=self.device, dtype=torch.int64)
        for index in torch.arange(self.images.test_size).split(TEST_CHUNK):
            x, y = self.images.test(index)
            logits = self.model(x)
            loss += cross_entropy(logits, y, reduction="sum")
            right += (logits.argmax(1) == y).sum()
        self.model.train()
        return loss.item() / self.images.test_size, right.item() / self.images.test_size

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


def first_divergence(losses: list[float]) -> int | None:
    """Index of the first loss that is not finite or above DIVERGED, else None."""
    for index, loss in enumerate(losses):
        if not math.isfinite(loss) or loss > DIVERGED:
            return index
    return None
