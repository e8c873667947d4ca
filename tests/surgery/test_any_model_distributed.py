"""Converted models train on two processes as one would with the mean of their gradients."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from tests.surgery.two_processes import STEPS, learn, model_of

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300  # seconds; only a hanging pair needs them
KEYS = ["resnet18", "shufflenet_v2_x0_5"]
every_network = pytest.mark.parametrize("key", KEYS)


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What the two processes saw, by network."""
    folder = tmp_path_factory.mktemp("pair")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, "-m", "tests.surgery.two_processes"]
    pair = [
        subprocess.Popen(
            [*command, str(rank), str(folder), *KEYS],
            cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=PATIENCE)[1] for process in pair]
    finally:
        for process in pair:
            process.kill()
    assert [process.returncode for process in pair] == [0, 0], "\n".join(said)
    return {
        key: [torch.load(folder / f"{key}{rank}", weights_only=True) for rank in (0, 1)]
        for key in KEYS
    }


@every_network
def test_both_have_the_mean_of_what_each_would_have_alone(together, key):
    zero, one = together[key]
    assert_close(zero["gradients"], one["gradients"], atol=0, rtol=0)
    alone = [learn(model_of(key), rank, 0) for rank in (0, 1)]
    together_first = zero["gradients"][0]
    assert set(together_first) == {name for name, _ in model_of(key).named_parameters()}
    largest = max(gradient.abs().max() for gradient in together_first.values())
    for name, gradient in together_first.items():
        mean = (alone[0][name] + alone[1][name]) / 2
        assert_close(gradient, mean, atol=1e-5 * float(largest), rtol=1e-3)
    assert any(not torch.equal(alone[0][name], alone[1][name]) for name in together_first)


@every_network
def test_the_buffers_of_the_first_process_count(together, key):
    """Each sees images of its own; before every step what the first one stored goes to all."""
    zero, one = (seen["state"] for seen in together[key])
    model = model_of(key)
    for step in range(STEPS):
        learn(model, 0, step)
    for name, _ in model.named_buffers():
        assert_close(zero[name], model.state_dict()[name])
    other = model_of(key)
    learn(other, 0, 0)
    learn(other, 1, 1)
    for name, _ in other.named_buffers():
        assert_close(one[name], other.state_dict()[name])
