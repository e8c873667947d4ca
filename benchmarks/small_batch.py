"""Does Kalman normalization help where batches are small? python -m benchmarks.small_batch

Trains the default convnet on digits with the same seeds for every method (paired: the same initial
weights and the same batches) and prints test accuracies and paired differences with intervals.
"""

import argparse
from dataclasses import dataclass

from benchmarks.report import LEVEL, markdown, mean_interval, percent
from benchmarks.runs import accuracies
from bkn import Experiment
from bkn.entrants import parse_entrant

BATCH = 64
SETTINGS = (  # entrant, micro-batch
    ("batch", 2),
    ("group", 2),
    ("kalman", 2),
    ("kalman:transition=normalized", 2),
    ("kalman:transition=sampled", 2),
    ("kalman:gain=learned", 2),
    ("batch", 64),
    ("kalman", 64),
)


@dataclass(frozen=True)
class Claim:
    """Kalman's mean accuracy minus batch's lies between two bounds, in fractions."""

    micro_batch: int
    low: float
    high: float
    words: str

    def holds(self, difference: float) -> bool:
        return self.low <= difference <= self.high


CLAIMS = (
    Claim(2, 0.01, 1.0, "at least one point above"),
    Claim(64, -0.01, 0.01, "within one point"),
)


def experiments(entrant: str, micro_batch: int, args: argparse.Namespace) -> list[Experiment]:
    """One setting with every seed."""
    method, options = parse_entrant(entrant)
    return [
        Experiment(
            dataset="digits", network="convnet", method=method, options=options, batch=BATCH,
            micro_batch=micro_batch, lr=0.05, epochs=args.epochs, seed=seed, device=args.device,
        )
        for seed in range(args.seeds)
    ]  # fmt: skip


def main() -> None:
    """Train all, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument(
        "--jobs", type=int, default=2, help="runs side by side, each on all cores but one"
    )
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()

    everything = [one for setting in SETTINGS for one in experiments(*setting, args)]
    found = accuracies(everything, args.jobs)
    by_setting = {
        setting: found[place * args.seeds : (place + 1) * args.seeds]
        for place, setting in enumerate(SETTINGS)
    }

    print(f"Test accuracy in %, digits, convnet, {args.epochs} epochs, {args.seeds} seeds:\n")
    print(accuracy_table(by_setting))
    print(f"\nPaired differences in points, {LEVEL:.0%} intervals:\n")
    print(difference_table(by_setting))


def accuracy_table(found: dict[tuple[str, int], list[float]]) -> str:
    """A row per setting: mean, deviation over seeds, interval of the mean."""
    rows = []
    for (entrant, micro_batch), values in found.items():
        s = mean_interval(values)
        interval = f"{percent(s.low)} to {percent(s.high)}"
        rows.append(
            [f"`{entrant}`", f"({BATCH}, {micro_batch})", percent(s.mean), percent(s.sd), interval]
        )
    return markdown(("method", "(B, m)", "mean", "sd", f"{LEVEL:.0%} interval"), rows)


def difference_table(found: dict[tuple[str, int], list[float]]) -> str:
    """Kalman minus batch at each micro-batch, held against its claim."""
    rows = []
    for claim in CLAIMS:
        m = claim.micro_batch
        pairs = zip(found["kalman", m], found["batch", m], strict=True)
        s = mean_interval([kalman - batch for kalman, batch in pairs])
        rows.append([
            f"({BATCH}, {m})", percent(s.mean, sign=True),
            f"{percent(s.low, sign=True)} to {percent(s.high, sign=True)}",
            claim.words, "yes" if claim.holds(s.mean) else "no",
        ])  # fmt: skip
    return markdown(("(B, m)", "kalman − batch", "interval", "claim for the mean", "holds"), rows)


if __name__ == "__main__":
    main()
