"""Do statistics per domain help on an unseen one? python -m benchmarks.held_out

Trains a narrow convnet on easy shapes drawn in three styles and tests it on the fourth, which no
method has seen. Each run is trained once and asked for the held-out style only.
"""

import argparse

from benchmarks.report import markdown, percent
from benchmarks.runs import accuracies
from bkn import Experiment
from bkn.entrants import parse_entrant

ENTRANTS = ("batch", "domain", "domain:unseen=average", "group", "kalman")
STYLES = ("sketch", "negative")  # held out, one at a time


def main() -> None:
    """Train all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--micro-batch", type=int, default=64)
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()

    everything = []
    for entrant in ENTRANTS:
        method, options = parse_entrant(entrant)
        everything += [
            Experiment(
                dataset="shapes", method=method, options=options, batch=64,
                micro_batch=args.micro_batch, lr=0.05, epochs=args.epochs, seed=seed,
                device=args.device, network_options={"width": 8},
                dataset_options={"styles": "four", "held_out": style, "difficulty": 0.1},
            )
            for style in STYLES for seed in range(args.seeds)
        ]  # fmt: skip
    found = accuracies(everything, args.jobs, on="held_out_accuracy")
    print(f"Accuracy in % on the style held out, (64, {args.micro_batch}), each seed:\n")
    print(table(found, args.seeds))


def table(found: list[float], seeds: int) -> str:
    """A row per entrant, a column per style held out; every seed by itself."""
    rows = []
    for place, entrant in enumerate(ENTRANTS):
        first = place * len(STYLES) * seeds
        cells = [
            ", ".join(map(percent, found[first + i * seeds : first + (i + 1) * seeds]))
            for i in range(len(STYLES))
        ]
        rows.append([f"`{entrant}`", *cells])
    return markdown(("method", *(f"{style} held out" for style in STYLES)), rows)


if __name__ == "__main__":
    main()
