"""The light probe against a slow twin, and proof that it changes nothing."""

import numpy as np
import pytest
import torch

from bkn.probe.frozen import frozen
from bkn.probe.light import METRICS, LightProbe
from tests.probe.networks import trained


def twin(norm, x, prior) -> dict[str, float]:
    """The metrics of one layer in NumPy, group by group and channel by channel."""
    x = x.double().numpy()
    n, channels = x.shape[:2]
    m = norm.micro_batch
    mu, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    sums = dict.fromkeys(METRICS, 0.0)
    groups = n // m
    gain = norm.gain if prior is not None else 1.0
    if prior is not None:
        before = prior.mean.double().numpy(), prior.var.double().numpy()
        seen_var = np.stack([x[g * m : (g + 1) * m].var((0, 2, 3)) for g in range(groups)])
        assert (before[1] / seen_var).mean() < 100, "the guard would trip; choose another seed"
    cells = groups * channels
    for c in range(channels):
        top = bottom = 0.0
        for g in range(groups):
            values = x[g * m : (g + 1) * m, c]
            s, v = values.mean(), values.var()
            sums["mean_error_observation"] += (s - mu[c]) ** 2 / var[c] / cells
            sums["var_error_observation"] += np.log(v / var[c]) ** 2 / cells
            post_m, post_v = s, v
            if prior is not None:
                p, q = before[0][g, c], before[1][g, c]
                sums["mean_error_prior"] += (p - mu[c]) ** 2 / var[c] / cells
                sums["var_error_prior"] += np.log(q / var[c]) ** 2 / cells
                sums["innovation_mean"] += (s - p) ** 2 / var[c] / cells
                sums["innovation_var"] += np.log(v / q) ** 2 / cells
                post_m = (1 - gain) * p + gain * s
                post_v = (1 - gain) * q + gain * v + gain * (1 - gain) * (s - p) ** 2
                top += (p - mu[c]) * (p - s)
                bottom += (p - s) ** 2
            sums["mean_error_posterior"] += (post_m - mu[c]) ** 2 / var[c] / cells
            sums["var_error_posterior"] += np.log(post_v / var[c]) ** 2 / cells
        if prior is not None:
            sums["gain_oracle"] += np.clip(top / bottom, 0, 1) / channels
        rm, rv = norm.running_mean[c].item(), norm.running_var[c].item()
        sums["mean_error_running"] += (rm - mu[c]) ** 2 / var[c] / channels
        sums["var_error_running"] += np.log(rv / var[c]) ** 2 / channels
    sums["gain"] = gain
    return sums


@pytest.mark.parametrize(("method", "gain"), [("kalman", 0.1), ("kalman", 0.6), ("batch", 1.0)])
def test_every_metric_equals_its_slow_twin(method, gain):
    options = {"gain": gain} if method == "kalman" else {}
    entrant = trained(method, **options)
    probe = LightProbe(entrant.norms, entrant.images)
    measured = dict(zip(probe.columns, probe.measure(entrant.model), strict=True))

    inputs = {}
    for label, norm in entrant.norms.items():
        norm.register_forward_pre_hook(
            lambda _, args, label=label: inputs.update({label: (*args, None)[:2]})
        )
    with frozen(entrant.model):
        entrant.model(*probe.probe_set.inputs(entrant.experiment.micro_batch))
    for label, norm in entrant.norms.items():
        expected = twin(norm, *inputs[label])
        for metric in METRICS:
            value = measured[f"{label}/{metric}"]
            if metric.endswith("theory"):
                continue
            without_prior = inputs[label][1] is None
            if without_prior and ("prior" in metric or "innov" in metric or "oracle" in metric):
                assert np.isnan(value), metric
            else:
                assert value == pytest.approx(expected[metric], rel=2e-3, abs=1e-6), metric


@pytest.mark.parametrize("transition", ["moments", "sampled", "normalized"])
def test_probing_leaves_no_trace(transition):
    entrant = trained(transition=transition)
    before = {k: v.clone() for k, v in entrant.model.state_dict().items()}
    torch.manual_seed(3)
    random = torch.get_rng_state()
    LightProbe(entrant.norms, entrant.images).measure(entrant.model)
    assert torch.equal(torch.get_rng_state(), random)
    assert entrant.model.training
    for name, value in entrant.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(p.grad is None or p.grad.isfinite().all() for p in entrant.model.parameters())


def test_frozen_puts_back_even_after_an_error():
    entrant = trained()
    entrant.model.eval()
    before = {k: v.clone() for k, v in entrant.model.state_dict().items()}

    def look_and_fail():
        with frozen(entrant.model):
            entrant.model(entrant.images.train(torch.arange(64))[0])
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        look_and_fail()
    assert not entrant.model.training
    assert all(torch.equal(v, before[k]) for k, v in entrant.model.state_dict().items())


@pytest.mark.parametrize("micro_batch", [1, 2, 32])
def test_the_observation_of_more_images_is_better(micro_batch):
    entrant = trained("batch", micro_batch)
    probe = LightProbe(entrant.norms, entrant.images)
    measured = dict(zip(probe.columns, probe.measure(entrant.model), strict=True))
    entrant.change("micro_batch", 64)
    larger = dict(zip(probe.columns, probe.measure(entrant.model), strict=True))
    for label in entrant.norms:
        name = f"{label}/mean_error_observation"
        assert larger[name] < measured[name]
