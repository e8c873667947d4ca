"""Small trained entrants to be probed, and what their layers were given."""

import torch

from bkn import Experiment
from bkn.probe.frozen import frozen
from bkn.probe.full import FullProbe
from bkn.training.entrant import Entrant


def trained(method="kalman", micro_batch=2, steps=5, network_options=None, **options) -> Entrant:
    """A small network after a few steps on digits."""
    experiment = Experiment(
        method=method,
        options=options,
        micro_batch=micro_batch,
        network_options=network_options or {"depth": 4, "width": 4},
        device="cpu",
    )
    cpu = torch.device("cpu")
    entrant = Entrant(experiment, experiment.dataset_card.load()(cpu), cpu)
    for step in range(steps):
        entrant.train_step(*entrant.images.train(torch.arange(64) + 64 * step), lr=0.05)
    return entrant


def full_probe(entrant: Entrant, **settings) -> FullProbe:
    """The full probe of an entrant."""
    return FullProbe(
        entrant.model,
        entrant.norms,
        entrant.images,
        estimates=entrant.experiment.method_card.estimates,
        **settings,
    )


def given_to(entrant: Entrant, probe) -> dict[str, tuple]:
    """Label -> input, prior and output of every layer when the probe set goes through."""
    seen: dict[str, tuple] = {}

    def note(label):
        def hook(_, args, result):
            seen[label] = (*(*args, None)[:2], result[0])

        return hook

    hooks = [n.register_forward_hook(note(label)) for label, n in entrant.norms.items()]
    with frozen(entrant.model):
        entrant.model(*probe.probe_set.inputs(entrant.experiment.micro_batch))
    for hook in hooks:
        hook.remove()
    return seen
