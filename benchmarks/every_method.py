"""Does every method learn where batches are small? python -m benchmarks.every_method

Trains the default convnet on digits with every method of the catalogue, at large batches of small
micro-batches and at small batches, with the same seeds for all, and prints test accuracies with
intervals. A run that diverges counts with an accuracy of 0. The last column counts the runs that
learned little or nothing, and those among them that diverged.
"""

import argparse

from benchmarks.report import LEVEL, markdown, mean_interval, percent
from benchmarks.runs import accuracies
from bkn import Experiment, methods

SETTINGS = ((64, 2), (2, 2))  # (B, m)
LEARNED = 0.5  # a run with an accuracy below this has failed


def main() -> None:
    """Train all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", help="keys of methods; all by default")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--lr", type=float, default=0.05, help="at (64, 2)")
    parser.add_argument("--small-lr", type=float, default=0.05, help="at (2, 2)")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()

    chosen = args.methods or list(methods())
    rates = dict(zip(SETTINGS, (args.lr, args.small_lr), strict=True))
    everything = [
        Experiment(
            dataset="digits", network="convnet", method=method, batch=batch,
            micro_batch=micro_batch, lr=rates[batch, micro_batch], epochs=args.epochs, seed=seed,
            device=args.device,
        )
        for method in chosen for batch, micro_batch in SETTINGS for seed in range(args.seeds)
    ]  # fmt: skip
    found = accuracies(everything, args.jobs)
    print(f"Test accuracy in %, digits, convnet, {args.epochs} epochs, {args.seeds} seeds:\n")
    print(table(chosen, found, args.seeds))


def table(chosen: list[str], found: list[float], seeds: int) -> str:
    """A row per method; for each setting mean and interval, then what failed.

    Args:
        chosen: keys of methods.
        found: accuracies, by method, setting and seed.
        seeds: runs per method and setting.
    """
    rows = []
    for place, method in enumerate(chosen):
        row, failed = [f"`{method}`"], []
        for which, setting in enumerate(SETTINGS):
            first = (place * len(SETTINGS) + which) * seeds
            values = found[first : first + seeds]
            s = mean_interval(values)
            row += [percent(s.mean), f"{percent(max(0, s.low))} to {percent(min(1, s.high))}"]
            lost, diverged = sum(v < LEARNED for v in values), sum(v == 0 for v in values)
            if lost:
                words = f" ({diverged} diverged)" if diverged else ""
                failed.append(f"{lost} of {seeds} at {setting}{words}")
        rows.append([*row, "; ".join(failed)])
    head = ["method"]
    for setting in SETTINGS:
        head += [f"{setting}", f"{LEVEL:.0%} interval"]
    return markdown([*head, "runs that failed"], rows)


if __name__ == "__main__":
    main()
