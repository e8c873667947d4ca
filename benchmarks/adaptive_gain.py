"""Does the adaptive gain know more than its sources? python -m benchmarks.adaptive_gain --out DIR

Trains the default networks with the adaptive gain and with the authors' two fixed gains, from the
same seeds. At (64, 2) it probes twenty times on the way, at the same steps for all: in how many
layers is the posterior's error below that of its own observation and below that of both fixed
gains? They are asked twice: each in a run of its own, and on the very inputs of the adaptive run's
layers. In a run of its own a gain normalizes by its own posteriors: with nearly batch norm's every
micro-batch is made alike, and what comes of it is easier to estimate one layer up. At the other
batches the benchmark looks at accuracies alone.

Every finished run is a line of JSON in DIR, so that the benchmark may be interrupted and goes on.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.adaptive_gain_tables import ADAPTIVE, FIXED, accuracies, errors
from bkn import Experiment, Race
from bkn.entrants import entrant_text, parse_entrant
from bkn.probe.light import LightProbe
from bkn.training.device import training_threads
from bkn.training.entrant import Entrant
from bkn.training.race import RaceTrainer
from bkn.training.run import MemorySink

ENTRANTS = (ADAPTIVE, *FIXED, "batch")
PROBED = (64, 2)  # (B, m) where the errors are measured
SETTINGS = (PROBED, (64, 4), (16, 2), (64, 64))
PROBES = 20  # in a run, the first after a tenth of it
KEPT = [f"{kind}_error_{of}" for kind in ("mean", "var") for of in ("observation", "posterior")]


def main() -> None:
    """Train what is missing, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--datasets", nargs="+", default=["digits"])
    parser.add_argument("--networks", nargs="+", default=["convnet"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--settings", type=int, default=len(SETTINGS), help="of the four, how many")
    parser.add_argument("--entrants", nargs="+", default=ENTRANTS, help="train these only")
    parser.add_argument("--only-tables", action="store_true", help="train nothing")
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "runs.jsonl"
    found = load(path)
    wanted = list(experiments(args))
    missing = [
        one
        for one in wanted
        if one.key not in found
        and entrant_text(one.method, one.options) in args.entrants
        and not args.only_tables
    ]
    for one in tqdm(missing, unit="run"):
        found[one.key] = measure(one)
        with path.open("a") as file:
            file.write(json.dumps({"key": one.key, **found[one.key]}) + "\n")
    for dataset in args.datasets:
        for network in args.networks:
            runs = [found[e.key] for e in wanted if e.key in found and e.network == network
                    and e.dataset == dataset]  # fmt: skip
            print(f"\n{dataset}, {network}, {args.epochs} epochs\n")
            print(errors(runs, PROBED), end="\n\n")
            print("the fixed gains on the inputs of the adaptive run's layers\n")
            print(errors(runs, PROBED, on_our_inputs=True), end="\n\n")
            print(accuracies(runs, SETTINGS[: args.settings]))


def experiments(args: argparse.Namespace) -> Iterator[Experiment]:
    """All runs, seed by seed, so that an interrupted benchmark has pairs."""
    for seed in range(args.seeds):
        for dataset in args.datasets:
            for network in args.networks:
                for batch, micro_batch in SETTINGS[: args.settings]:
                    for entrant in ENTRANTS:
                        method, options = parse_entrant(entrant)
                        yield Experiment(
                            dataset=dataset, network=network, method=method, options=options,
                            batch=batch, micro_batch=micro_batch, seed=seed, epochs=args.epochs,
                            device="cpu",
                        )  # fmt: skip


def measure(experiment: Experiment) -> dict[str, Any]:
    """Accuracy, and at PROBED errors by step and layer, of one run; 0 if it diverged."""
    probed = (experiment.batch, experiment.micro_batch) == PROBED and experiment.method != "batch"
    race = Race((experiment,), "off")
    sink = MemorySink(race)
    seen: dict[str, dict[str, list[float]]] = {}
    on_our_inputs: dict[str, dict[str, dict[str, list[float]]]] = {}
    ours = entrant_text(experiment.method, experiment.options) == ADAPTIVE
    with training_threads():
        trainer = RaceTrainer(race, sink, record_every=0.0)
        fixed = {one: twin(experiment, one, trainer) for one in FIXED} if probed and ours else {}
        steps = {trainer.steps * (k + 1) // PROBES for k in range(1, PROBES)} if probed else set()
        while not trainer.finished:
            trainer.advance()
            if trainer.step in steps:
                step, (entrant, *_) = str(trainer.step), trainer.entrants  # as JSON has it
                with outputs(entrant.norms) as ys:
                    seen[step] = probe(entrant)
                on_our_inputs[step] = {
                    text: probe_on(ys, entrant.model, other) for text, other in fixed.items()
                }
        trainer.finish()
    run = sink.runs[0]
    finished = run.status == "finished"
    return {
        "entrant": entrant_text(experiment.method, experiment.options),
        "setting": [experiment.batch, experiment.micro_batch],
        "seed": experiment.seed,
        "accuracy": run.summary["test_accuracy"] if finished else 0.0,
        "errors": seen,
        "on_our_inputs": on_our_inputs,
    }


def twin(experiment: Experiment, entrant: str, trainer: RaceTrainer) -> Entrant:
    """The same network with another method, to be given weights."""
    method, options = parse_entrant(entrant)
    other = replace(experiment, method=method, options=options)
    return Entrant(other, trainer.images, trainer.entrants[0].device)


@contextmanager
def outputs(norms: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What normalizers put out while this lasts, by label."""
    ys: dict[str, Tensor] = {}

    def keep(label: str) -> Any:
        def hook(norm: nn.Module, args: Any, result: tuple[Tensor, Any]) -> None:
            ys[label] = result[0]

        return hook

    hooks = [norm.register_forward_hook(keep(label)) for label, norm in norms.items()]
    yield ys
    for hook in hooks:
        hook.remove()


def probe_on(ys: Mapping[str, Tensor], model: nn.Module, other: Entrant) -> dict[str, list[float]]:
    """KEPT of another entrant whose layers get the same inputs.

    Args:
        ys: what the normalizers put out that are to be followed, by label.
        model: theirs; the other gets its weights.
        other: filters by itself, beliefs from below are its own; only its outputs are replaced.
    """
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in other.model.named_parameters():
            parameter.copy_(weights[name])

    def follow(label: str) -> Any:
        return lambda norm, args, result: (ys[label], result[1])

    hooks = [norm.register_forward_hook(follow(label)) for label, norm in other.norms.items()]
    found = probe(other)
    for hook in hooks:
        hook.remove()
    return found


def probe(entrant: Entrant) -> dict[str, list[float]]:
    """KEPT by layer, now."""
    eye = LightProbe(entrant.norms, entrant.images, entrant.takes_domains)
    values = dict(zip(eye.columns, eye.measure(entrant.model), strict=True))
    return {layer: [values[f"{layer}/{metric}"] for metric in KEPT] for layer in eye.norms}


def load(path: Path) -> dict[str, dict[str, Any]]:
    """What an earlier call has measured, by key."""
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return {row.pop("key"): row for row in rows}


if __name__ == "__main__":
    main()
