"""Mean-field theory of the largest Fisher eigenvalue of wide random ReLU networks.

Wei, Stokes & Schwab 2019, https://arxiv.org/abs/1903.02606, after Karakida, Akaho & Amari 2019,
https://arxiv.org/abs/1806.01316. Weights of a layer have variance sw2 / fan-in, biases sb2, the
last layer is linear. In a layer, q is the mean square of a pre-activation of one input, q_xy its
product over two independent inputs; with a hat the same behind the ReLU, with a tilde of the
gradients by the pre-activations of one output, summed over the layer. With batch normalization
(scale gamma, shift 0) two inputs are uncorrelated in front of every ReLU.

Every layer contributes f to a lower bound of the largest eigenvalue, with the identity as metric
(see `fisher`). It is the squared length of the mean gradient of one output.

Three things are corrected or doubtful in the copy that was read: f has the hat on the forward
and the tilde on the backward factor; the recursion starts from inputs of mean square 1 without
correlation; and normalization divides the gradient by q, although the variance of the data is
q - q_xy. The last is kept as printed. The theory takes batch statistics for constants, while the
gradient of a network in training also goes through them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """A layer of weights.

    Args:
        fan_in: numbers that one output sees, N: units, or channels times places of the kernel.
        positions: places of its output where the same weights are used, K; 1 if fully connected.
    """

    fan_in: int
    positions: int = 1


@dataclass(frozen=True)
class Moments:
    """What the theory says about one layer."""

    q: float  # mean square of a pre-activation
    q_xy: float  # mean product over two inputs
    hat: float  # behind the ReLU
    hat_xy: float
    tilde: float = 1.0  # squared gradient of one output, summed over the layer
    tilde_xy: float = 1.0


def rectified(q: float, q_xy: float) -> tuple[float, float]:
    """Mean square and mean product behind the ReLU, for Gaussians of mean 0.

    E relu(u) relu(v) = q / (2 pi) (sqrt(1 - c^2) + c pi / 2 + c asin c), c = q_xy / q.
    """
    c = min(1.0, q_xy / q)
    product = math.sqrt(1 - c * c) + c * math.pi / 2 + c * math.asin(c)
    return q / 2, q / (2 * math.pi) * product


def forward(layers: int, sw2: float, sb2: float, gamma: float | None) -> list[Moments]:
    """Moments of the inputs (hats only) and of every layer, from the first to the last.

    Args:
        layers: of weights, L.
        sw2: variance of a weight times its fan-in.
        sb2: variance of a bias.
        gamma: scale of batch normalization, None for no normalization.
    """
    states = [Moments(math.nan, math.nan, 1.0, 0.0)]
    for _ in range(layers):
        below = states[-1]
        q, q_xy = sb2 + sw2 * below.hat, sb2 + sw2 * below.hat_xy
        hats = rectified(q, q_xy) if gamma is None else rectified(gamma * gamma, 0.0)
        states.append(Moments(q, q_xy, *hats))
    return states


def backward(states: Sequence[Moments], sw2: float, gamma: float | None) -> list[Moments]:
    """The same with their gradients, counted from 1 at the last layer, which is linear."""
    *hidden, last = states
    done = [last]
    for state in reversed(hidden[1:]):
        above = done[0]
        if gamma is None:
            slope = (math.pi / 2 + math.asin(min(1.0, state.q_xy / state.q))) / (2 * math.pi)
            power = 1.0
        else:
            slope, power = 0.25, gamma * gamma / state.q
        tilde, tilde_xy = sw2 / 2 * power * above.tilde, sw2 * slope * power * above.tilde_xy
        with_gradient = Moments(state.q, state.q_xy, state.hat, state.hat_xy, tilde, tilde_xy)
        done.insert(0, with_gradient)
    return [states[0], *done]


def lower_bound(
    layers: Sequence[Layer], sw2: float = 2.0, sb2: float = 0.5, gamma: float | None = None
) -> float:
    """Sum of f over all layers: at most the largest Fisher eigenvalue of a wide network.

    Args:
        layers: from the first to the last.
        sw2: variance of a weight times its fan-in.
        sb2: variance of a bias.
        gamma: scale of batch normalization behind every layer but the last, None for none.

    Raises:
        ValueError: without layers, or for a negative variance or scale.
    """
    if not layers:
        raise ValueError("layers must name at least one layer, got none")
    for name, value in {"sw2": sw2, "sb2": sb2, "gamma": gamma}.items():
        if value is not None and not value >= 0:
            raise ValueError(f"{name} must be at least 0, got {value}")
    return sum(contributions(layers, sw2, sb2, gamma))


def contributions(
    layers: Sequence[Layer], sw2: float, sb2: float, gamma: float | None
) -> list[float]:
    """The terms f of every layer.

    f = N [(K - 1) tilde_ab,xy + tilde_xy] [(K - 1) hat_ab,xy + hat_xy of the layer below]. Two
    places a, b of two inputs follow the same recursion as one place, so they have its values.
    """
    states = backward(forward(len(layers), sw2, sb2, gamma), sw2, gamma)
    return [
        layer.fan_in * layer.positions**2 * here.tilde_xy * below.hat_xy
        for layer, here, below in zip(layers, states[1:], states, strict=False)
    ]
