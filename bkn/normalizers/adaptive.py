"""The adaptive gain: what a Kalman filter does, the uncertainties estimated while it runs.

Two filters in one. Across steps: the prior's bias, of the mean in standard deviations and of the
variance as a factor, wanders as the weights move; all micro-batches of a step together observe it.
Within a step: the corrected prior, whose error has the power P, meets the micro-batch's own
observation of noise R, and the gain is P / (P + R). Both P and R come from the innovations, as in
Mehra (1970), https://doi.org/10.1109/TAC.1970.1099422: their power is P + R / G where G
micro-batches are averaged, and R is their spread between the micro-batches of a step.

A micro-batch is only ever touched by averages that earlier steps left behind.
"""

import torch
from torch import Tensor, nn

from bkn.normalizers.belief import Belief

TINY = 1e-8  # the least variance, far below the eps of a normalizer: below it nothing is carried
FLOOR = 0.02  # the least gain of a micro-batch: the filter never stops listening
LEAST_RATE = 0.05  # with which the bias moves, at the least
SMALLEST = 1e-10  # a power that is nothing beside any noise
WARM = 2  # steps with gain 1: one to find the bias, one to see how it moves
LEAST_GROWTH = 1e-6  # of the variance's factor in a step
FARTHEST = 2.0  # innovations beyond (deviations, or relative to the variance) count as this
LARGEST = 1e4  # as far as a single innovation is believed at all, so that no average overflows


class AdaptiveGain(nn.Module):
    """Bias of the prior, its uncertainty and the observation's, per channel, and the two gains.

    All averages are buffers, in units of the corrected prior's deviation or variance. They move
    by `learn` alone. Nothing here has a gradient.

    Args:
        channels: C.
        rate: with which the averages of noise and innovation power move, above 0 up to 1.

    Raises:
        ValueError: for another rate.
    """

    value = "adaptive"
    mean_bias: Tensor
    var_bias: Tensor
    mean_power: Tensor
    var_power: Tensor
    mean_noise: Tensor
    var_noise: Tensor
    mean_left: Tensor
    var_left: Tensor
    slopes: Tensor
    steps: Tensor

    def __init__(self, channels: int, rate: float = 0.15):
        super().__init__()
        if isinstance(rate, bool | str) or not 0 < rate <= 1:
            raise ValueError(f"rate must be a number above 0 and at most 1, got {rate!r}")
        self.rate = rate
        self.register_buffer("mean_bias", torch.zeros(channels))  # in deviations
        self.register_buffer("var_bias", torch.zeros(channels))  # of ln variance
        self.register_buffer("mean_power", torch.zeros(()))  # P, of all channels together
        self.register_buffer("var_power", torch.zeros(()))
        self.register_buffer("mean_noise", torch.zeros(channels))  # R
        self.register_buffer("var_noise", torch.zeros(channels))
        self.register_buffer("mean_left", torch.zeros(channels))  # last innovation, corrected
        self.register_buffer("var_left", torch.zeros(channels))
        self.register_buffer("slopes", torch.zeros(2, channels))  # see bkn/normalizers/filtering.py
        self.register_buffer("steps", torch.tensor(0.0))

    def set(self, value: float) -> None:
        raise ValueError(f"gain is adaptive in this layer, it cannot be set to {value!r} by hand")

    def corrected(self, prior: Belief) -> Belief:
        """The prior (G, C) without its bias; its own gradient stays."""
        var = prior.var.clamp_min(TINY) * self.var_bias.exp()
        bias = self.mean_bias.clone()  # it moves before the backward pass
        return Belief(prior.mean + bias * var.sqrt(), var)

    def forward(self) -> tuple[Tensor, Tensor]:
        """The gains of mean and variance, (C,) each."""
        return (
            self.gain_of(self.mean_power, self.mean_noise),
            self.gain_of(self.var_power, self.var_noise),
        )

    def gain_of(self, power: Tensor, noise: Tensor) -> Tensor:
        gain = share(power, noise).clamp(FLOOR, 1)
        return torch.where(self.steps < WARM, torch.ones_like(gain), gain)

    @torch.no_grad()
    def learn(self, prior: Belief, seen: Belief) -> None:
        """Move bias, power and noise by what all micro-batches of a step show.

        Args:
            prior: corrected, (G, C).
            seen: (G, C).
        """
        groups = len(seen.mean)
        # What is not finite teaches nothing: it counts as predicted.
        gap = (seen.mean - prior.mean) * prior.var.rsqrt()
        ratio = (seen.var + TINY) / prior.var
        known = gap.isfinite() & prior.var.isfinite() & seen.var.isfinite()
        gap = torch.where(known, gap, 0.0).clamp(-LARGEST, LARGEST)
        ratio = torch.where(known, ratio, 1.0).clamp_max(LARGEST**2)
        around = ratio + gap.square()  # each micro-batch's variance around the prior's mean
        mean, spread = gap.mean(0), around.mean(0)
        if groups > 1:
            mean_noise, var_noise = gap.var(0), around.var(0)
            rate = (1 / (self.steps + 1)).clamp_min(self.rate / 3)
        else:  # half the squared step between two observations in a row
            mean_noise = (mean - self.mean_left).square() / 2
            var_noise = (spread - self.var_left).square() / 2
            rate = self.rate_from_second_step(self.rate / 3)
        self.mean_noise.lerp_(mean_noise, rate)
        self.var_noise.lerp_(var_noise, rate)
        # Total variance: within micro-batches, and that of their means.
        between = mean_noise if groups > 1 else self.mean_noise
        excess = ratio.mean(0) + between - 1
        rate = self.rate_from_second_step(self.rate)
        self.mean_power.lerp_(power(mean, self.mean_noise / groups), rate)
        self.var_power.lerp_(power(excess, self.var_noise / groups), rate)
        self.move_bias(mean, spread, excess, groups)
        self.steps += 1

    def rate_from_second_step(self, least: float) -> Tensor:
        """With which averages move that the first step cannot begin: 0, 1, 1/2, ..., least."""
        rate = (1 / self.steps.clamp_min(1)).clamp_min(least)
        return torch.where(self.steps == 0, 0.0, rate)

    def move_bias(self, mean: Tensor, spread: Tensor, excess: Tensor, groups: int) -> None:
        """Update the bias by the innovations (C,), and carry all else into the new units.

        Once it is found, a single step far off moves it no farther than FARTHEST: the way back
        from an outlier would be long, as small innovations move it slowly.
        """
        first = self.steps == 0
        far = torch.where(self.steps < WARM, torch.inf, FARTHEST)
        mean, excess = mean.clamp(-far, far), torch.minimum(excess, far)
        mean_rate, var_rate = (
            torch.where(first, 1.0, share(power, noise / groups).clamp_min(LEAST_RATE))
            for power, noise in (
                (self.mean_power, self.mean_noise),
                (self.var_power, self.var_noise),
            )
        )
        growth = (var_rate * excess).clamp_min(LEAST_GROWTH - 1).log1p()
        smaller = (-growth / 2).exp()  # of an old deviation, in new ones
        self.var_bias.add_(growth)
        self.mean_bias.add_(mean_rate * mean).mul_(smaller)
        self.mean_noise.mul_(smaller.square())
        self.var_noise.mul_(smaller.square().square())
        self.mean_left.copy_((1 - mean_rate) * mean * smaller)
        self.var_left.copy_(spread * smaller.square())

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


def share(power: Tensor, noise: Tensor) -> Tensor:
    """P / (P + R), 1 where both vanish."""
    power = power.clamp_min(0)
    return (power + SMALLEST) / (power + noise + SMALLEST)


def power(innovation: Tensor, noise: Tensor) -> Tensor:
    """What the squared innovations (C,) of a layer hold beyond noise, on average.

    Below zero it stands for none, but has to be averaged as it is.
    """
    return (innovation.clamp(-FARTHEST, FARTHEST).square() - noise).mean()
