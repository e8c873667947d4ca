"""The full probe: every field against a slow twin, the light probe's columns, and no trace."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from bkn.probe.errors import DEAD
from bkn.probe.light import METRICS, LightProbe
from bkn.snapshot import BINS, GAINS, SOURCES, SPAN
from tests.probe.networks import full_probe, given_to, trained

METHODS = [
    ("kalman", {"gain": 0.1}),
    ("kalman", {"gain": 0.6, "transition": "normalized"}),
    ("batch", {}),
    ("group", {"groups": 2}),
]


def looked_at(method, options, **settings):
    """An entrant, its probe, what the probe saw, the arrays, and the layers' inputs."""
    entrant = trained(method, **options)
    for norm in entrant.norms.values():
        norm.eps = 0.01  # large enough to be seen
    probe = full_probe(entrant, **settings)
    seen = probe.measure()
    return entrant, probe, seen, probe.layout.unpack(seen.snapshot), given_to(entrant, probe)


def mixed(p, s, pv, sv, q):
    """Moments of the mixture, from the paper."""
    return (1 - q) * p + q * s, (1 - q) * pv + q * sv + q * (1 - q) * (s - p) ** 2


def errors(mean, var, mu, sigma):
    """Errors of one channel's estimates, averaged over micro-batches."""
    return np.mean((mean - mu) ** 2 / sigma), np.mean(np.log(var / sigma) ** 2)


@pytest.mark.parametrize(("method", "options"), METHODS)
def test_truth_histogram_and_output_equal_their_twins(method, options):
    entrant, _, _, arrays, inputs = looked_at(method, options)
    for label, norm in entrant.norms.items():
        x, _, y = (None if v is None or isinstance(v, tuple) else v for v in inputs[label])
        x, y, found = x.double().numpy(), y.double().numpy(), arrays[label]
        y = (y - norm.bias.detach().numpy()[:, None, None]) / norm.weight.detach().numpy()[
            :, None, None
        ]
        for c in range(x.shape[1]):
            mu, sigma = x[:, c].mean(), x[:, c].var()
            assert found["truth_mean"][c] == pytest.approx(mu, rel=1e-5, abs=1e-6)
            assert found["truth_var"][c] == pytest.approx(sigma, rel=1e-5)
            assert found["output_mean"][c] == pytest.approx(y[:, c].mean(), rel=1e-3, abs=1e-5)
            assert found["output_var"][c] == pytest.approx(y[:, c].var(), rel=1e-4)
            edges = mu + np.sqrt(sigma) * np.linspace(-SPAN, SPAN, BINS + 1)
            edges = np.concatenate([[-np.inf], edges, [np.inf]])
            shares = np.histogram(x[:, c], edges)[0] / x[:, c].size
            assert found["histogram"][:, c].sum() == pytest.approx(1, abs=1e-6)
            assert np.abs(found["histogram"][:, c] - shares).max() < 3 / x[:, c].size + 1e-6


@pytest.mark.parametrize(("method", "options"), METHODS[:3])
def test_beliefs_errors_and_curves_equal_their_twins(method, options):
    entrant, _, _, arrays, inputs = looked_at(method, options)
    for label, norm in entrant.norms.items():
        x, prior, _ = inputs[label]
        found, x = arrays[label], x.double().numpy()
        groups = x.reshape(-1, 2, *x.shape[1:])
        s, v = groups.mean((1, 3, 4)), groups.var((1, 3, 4))
        gain = options["gain"] if prior is not None else 1.0
        np.testing.assert_allclose(found["gain"], gain, rtol=1e-5)
        np.testing.assert_allclose(found["var_gain"], gain, rtol=1e-5)
        np.testing.assert_allclose(found["seen_mean"], s[:8], atol=1e-5)
        np.testing.assert_allclose(found["seen_var"], v[:8], rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(found["running_mean"], norm.running_mean)
        np.testing.assert_array_equal(found["running_var"], norm.running_var)
        if prior is None:
            p = pv = np.full_like(s, np.nan)
            post, post_v = s, v
        else:
            p, pv = (moment.double().numpy() for moment in prior)
            assert (pv / v).mean() < 100, "the guard would trip; choose another seed"
            post, post_v = mixed(p, s, pv, v, gain)
        np.testing.assert_allclose(found["prior_mean"], p[:8], atol=1e-5)
        np.testing.assert_allclose(found["prior_var"], pv[:8], rtol=1e-4)
        np.testing.assert_allclose(found["posterior_mean"], post[:8], atol=1e-5)
        np.testing.assert_allclose(found["posterior_var"], post_v[:8], rtol=1e-4)
        rm, rv = (m.double().numpy() for m in (norm.running_mean, norm.running_var))
        for c in range(x.shape[1]):
            mu, sigma = x[:, c].mean(), x[:, c].var()
            sources = (s[:, c], v[:, c]), (p[:, c], pv[:, c]), (post[:, c], post_v[:, c])
            for row, (mean, var) in enumerate((*sources, (rm[c], rv[c]))):
                wanted = errors(mean, var, mu, sigma)
                for name, value in zip(("mean_error", "var_error"), wanted, strict=True):
                    got = found[name][row, c]
                    assert got == pytest.approx(value, rel=2e-3, abs=1e-6, nan_ok=True), SOURCES[
                        row
                    ]
            for at, q in enumerate(GAINS):
                wanted = errors(*mixed(p[:, c], s[:, c], pv[:, c], v[:, c], q), mu, sigma)
                curves = found["mean_curve"][at, c], found["var_curve"][at, c]
                assert curves == pytest.approx(wanted, rel=2e-3, abs=1e-6, nan_ok=True)
            if prior is None:
                assert np.isnan(found["gain_oracle"][c])
                assert np.isnan(found["var_gain_oracle"][c])
                assert np.isnan(found["consistency_mean"][c])
                continue
            fine = np.linspace(0, 1, 1001)
            tried = [mixed(p[:, c], s[:, c], pv[:, c], v[:, c], q) for q in fine]
            every = np.array([errors(*one, mu, sigma) for one in tried])
            best_mean, best_var = fine[every.argmin(0)]
            assert found["gain_oracle"][c] == pytest.approx(best_mean, abs=1.5e-3)
            near = np.interp(found["var_gain_oracle"][c], fine, every[:, 1])
            assert near <= every[:, 1].min() * 1.001 + 1e-9
            assert found["var_gain_oracle"][c] == pytest.approx(best_var, abs=0.02)
            noise, log_noise = s[:, c].var(ddof=1), np.log(v[:, c]).var(ddof=1)
            honest = np.mean((s - p)[:, c] ** 2) * (1 - gain) / noise
            assert found["consistency_mean"][c] == pytest.approx(honest, rel=1e-3)
            honest = np.mean(np.log(v / pv)[:, c] ** 2) * (1 - gain) / log_noise
            assert found["consistency_var"][c] == pytest.approx(honest, rel=1e-3)


@pytest.mark.parametrize(("method", "options"), METHODS[:3])
def test_snapshot_and_light_probe_agree(method, options):
    entrant, _probe, seen, arrays, _ = looked_at(method, options)
    light = LightProbe(entrant.norms, entrant.images)
    assert seen.light == pytest.approx(light.measure(entrant.model), rel=1e-6, nan_ok=True)
    rows = dict(zip(light.columns, seen.light, strict=True))
    assert len(rows) == len(METRICS) * len(entrant.norms)
    for label, found in arrays.items():
        for what in ("mean", "var"):
            for row, source in enumerate(SOURCES):
                wanted = rows[f"{label}/{what}_error_{source}"]
                got = found[f"{what}_error"][row].mean(dtype=float)
                assert got == pytest.approx(wanted, rel=1e-5, abs=1e-6, nan_ok=True)
            if options and not np.isnan(found["mean_curve"]).any():
                at = GAINS.index(options["gain"])
                posterior = found[f"{what}_error"][SOURCES.index("posterior")]
                np.testing.assert_allclose(found[f"{what}_curve"][at], posterior, rtol=1e-4)
        mean_curve, oracle = found["mean_curve"], found["gain_oracle"]
        if not np.isnan(oracle).any():
            on_grid = np.array(GAINS)[mean_curve.argmin(0)]
            assert np.abs(on_grid - oracle).max() <= 0.025 + 1e-6
            assert rows[f"{label}/gain_oracle"] == pytest.approx(oracle.mean(), rel=1e-5)


@pytest.mark.parametrize("method", ["kalman", "group"])
def test_scalars_by_depth_equal_their_twins(method):
    entrant = trained(method)
    probe = full_probe(entrant)
    probe.watch.remember()
    before = {name: p.detach().clone() for name, p in entrant.model.named_parameters()}
    x, y = entrant.images.train(torch.arange(64))
    entrant.train_step(x, y, lr=0.05)
    seen = probe.measure()
    found = dict(zip(probe.columns, seen.scalars, strict=True))
    arrays, inputs = probe.layout.unpack(seen.snapshot), given_to(entrant, probe)
    for label in entrant.norms:
        x = inputs[label][0].double()
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        conv, name = entrant.model.get_submodule(f"{label}.conv"), f"{label}.conv.weight"
        wanted = {
            "input_mean": mean.square().mean().sqrt(),
            "input_std": var.mean().sqrt(),
            "output_mean_error": np.mean(arrays[label]["output_mean"] ** 2),
            "output_var_error": np.mean(np.log(arrays[label]["output_var"]) ** 2),
            "gradient_norm": conv.weight.grad.norm(),
            "weight_norm": conv.weight.norm(),
            "update_ratio": (conv.weight - before[name]).norm() / before[name].norm(),
            "dead_share": 0.0,
        }
        if method == "kalman" and label != "layer1":
            wanted["consistency_mean"] = arrays[label]["consistency_mean"].mean()
            wanted["consistency_var"] = arrays[label]["consistency_var"].mean()
        for metric, value in wanted.items():
            got = found[f"{label}/{metric}"]
            assert got == pytest.approx(
                float(torch.as_tensor(value).detach()), rel=1e-4, abs=1e-7
            ), (label, metric)
    inputs, labels = probe.probe_set.labelled(2)
    light = trained(method, steps=0)  # the same network, for a pass that may leave traces
    light.model.load_state_dict(entrant.model.state_dict())
    with torch.no_grad():
        for mode, name in ((False, "stored"), (True, "batch")):
            logits = light.model.train(mode)(*inputs)
            assert found[f"loss_{name}"] == pytest.approx(float(cross_entropy(logits, labels)))
            right = float((logits.argmax(1) == labels).double().mean())
            assert found[f"accuracy_{name}"] == pytest.approx(right)


def test_a_dead_channel_spoils_nothing():
    entrant = trained("kalman")
    with torch.no_grad():
        entrant.model.get_submodule("layer2.conv").weight[1] = 0.0
    probe = full_probe(entrant)
    seen = probe.measure()
    found, rows = (
        probe.layout.unpack(seen.snapshot)["layer2"],
        dict(zip(probe.columns, seen.scalars, strict=True)),
    )
    assert found["truth_var"][1] < DEAD
    assert np.isnan(found["mean_error"][:, 1]).all()
    assert np.isnan(found["mean_curve"][:, 1]).all()
    assert np.isfinite(found["mean_error"][:, 0]).all()
    assert found["histogram"][:, 1].sum() == pytest.approx(1)
    assert rows["layer2/dead_share"] == 0.25
    assert np.isfinite(rows["layer2/output_var_error"])


def test_a_tripped_guard_is_told_and_the_curve_goes_on_without_it():
    entrant = trained("kalman")
    norm = entrant.norms["layer2"]
    probe = full_probe(entrant)

    def spoil(_, args):
        x, prior = args
        return x, prior and prior._replace(var=prior.var * 1e6)

    norm.register_forward_pre_hook(spoil, prepend=True)
    found = probe.layout.unpack(probe.measure().snapshot)["layer2"]
    assert (found["gain"] == 1).all()
    np.testing.assert_array_equal(found["mean_error"][2], found["mean_error"][0])
    assert (found["var_curve"][0] > 10 * found["var_curve"][-1]).all()
    assert np.isnan(found["consistency_mean"]).all()  # who trusts the batch alone claims nothing


def test_of_wide_layers_some_channels_are_kept():
    _, probe, _, few, _ = looked_at("kalman", {}, kept_channels=3)
    _, whole, _, all_, _ = looked_at("kalman", {})
    for layer, wide in zip(probe.layout.layers, whole.layout.layers, strict=True):
        assert layer.kept[0] == 0
        assert layer.kept[-1] == layer.channels - 1
        assert len(layer.kept) == 3
        assert wide.kept == tuple(range(wide.channels))
        for name, array in few[layer.label].items():
            np.testing.assert_allclose(
                array, all_[layer.label][name][..., list(layer.kept)], rtol=1e-5, err_msg=name
            )


def test_fewer_micro_batches_than_at_the_start_leave_rows_empty():
    entrant = trained("kalman")
    probe = full_probe(entrant)
    entrant.change("micro_batch", 256)
    found = probe.layout.unpack(probe.measure().snapshot)["layer2"]
    assert found["seen_mean"].shape[0] == 8
    assert np.isfinite(found["seen_mean"][:2]).all()
    assert np.isnan(found["seen_mean"][2:]).all()
    assert np.isfinite(found["mean_error"]).all()


@pytest.mark.parametrize("transition", ["moments", "sampled"])
def test_probing_fully_leaves_no_trace(transition):
    entrant = trained(transition=transition)
    before = {k: v.clone() for k, v in entrant.model.state_dict().items()}
    gradients = {k: p.grad.clone() for k, p in entrant.model.named_parameters()}
    torch.manual_seed(3)
    random = torch.get_rng_state()
    probe = full_probe(entrant)
    probe.watch.remember()
    probe.measure()
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in entrant.model.modules())
    for name, value in entrant.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    for name, parameter in entrant.model.named_parameters():
        assert torch.equal(parameter.grad, gradients[name]), name


def test_a_look_that_fails_leaves_no_hook_behind(monkeypatch):
    entrant = trained()
    probe = full_probe(entrant)
    monkeypatch.setattr("bkn.probe.full.look", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        probe.measure()
    monkeypatch.undo()
    assert not any(n._forward_hooks or n._forward_pre_hooks for n in entrant.norms.values())
    assert entrant.model.training
