"""What does every method reach on shapes? python -m benchmarks.shapes_methods

Trains the default convnet on shapes at the default difficulty, batch norm also with whole batches.
"""

import argparse

from benchmarks.report import markdown, mean_interval, percent
from benchmarks.runs import accuracies
from bkn import Experiment, methods

BATCH = 64


def main() -> None:
    """Train all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument(
        "--jobs", type=int, default=2, help="runs side by side, each on all cores but one"
    )
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()

    settings = [("batch", BATCH), *((method, 2) for method in methods())]
    everything = [
        Experiment(
            dataset="shapes", method=method, batch=BATCH, micro_batch=micro_batch, lr=0.05,
            epochs=args.epochs, seed=seed, device=args.device,
        )
        for method, micro_batch in settings for seed in range(args.seeds)
    ]  # fmt: skip
    found = accuracies(everything, args.jobs)

    rows = []
    for place, (method, micro_batch) in enumerate(settings):
        values = found[place * args.seeds : (place + 1) * args.seeds]
        each = ", ".join(map(percent, values))
        mean = percent(mean_interval(values).mean) if args.seeds > 1 else each
        rows.append([f"`{method}`", f"({BATCH}, {micro_batch})", mean, each])
    print(f"Test accuracy in %, shapes, convnet, {args.epochs} epochs, {args.seeds} seeds:\n")
    print(markdown(("method", "(B, m)", "mean", "each seed"), rows))


if __name__ == "__main__":
    main()
