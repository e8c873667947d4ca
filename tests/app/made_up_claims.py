"""Claims made up for tests of their page, and results that decide each of them as its key says."""

from collections.abc import Sequence
from pathlib import Path

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, matches, verdict
from bkn.claims.evidence import Evidence
from bkn.results import Result
from bkn.sweep import Job, Sweep
from tests.sweeps import write_sweep

SEEDS = tuple(range(5))
NOISE = (0.0, 0.004, -0.003, 0.002, -0.001)  # by seed
GAINS = {"yes": 0.03, "no": -0.03, "maybe": 0.0, "both": 0.03}  # of kalman over batch, by claim


def decide_gap(results: Sequence[Result]) -> Verdict:
    """Kalman beats batch norm at m = 2."""
    found = Evidence(results)
    gap = beats("Kalman − batch norm at m = 2", found.of("kalman"), found.of("batch"), 0.5)
    return verdict(results, Part("Kalman norm beats batch norm", [gap]))


def decide_both(results: Sequence[Result]) -> Verdict:
    """It does, and group norm equals batch norm."""
    found = Evidence(results)
    kalman, batch, group = (found.of(name) for name in ("kalman", "batch", "group"))
    return verdict(
        results,
        Part("Kalman norm beats batch norm", [beats("Kalman − batch norm", kalman, batch, 0.5)]),
        Part("Group norm equals it", [matches("Group − batch norm", group, batch, 1.0)]),
    )


def made_up(key: str, topic: str, epochs: int, methods: Sequence[str] = ("batch", "kalman")):
    """A claim with a protocol of its own: no other trains for so many epochs."""

    def make(seeds: Sequence[int], epochs: int = epochs) -> list[Sweep]:
        return [Sweep(tuple(methods), (2,), seeds=tuple(seeds), common={"epochs": epochs})]

    return Claim(
        key, topic, f"Claim {key} in a few words",
        f"What {key} claims in our words, which are longer than a few; and what matters here.",
        f"Somebody & {key.title()} 2018", f"https://example.org/{key}", 2018,
        f"How the paper of {key} did it.",
        Protocol(
            f"Digits for {epochs} epochs, to test {key}.", lambda: make(SEEDS), 0.5,
            "That is two images.",
        ),
        Protocol(
            f"Pictures for {epochs + 50} epochs.", lambda: make(SEEDS[:3], epochs + 50), 0.5,
            "That is fifty images.",
        ),
        f"Paired by seed, {key} holds if the gap is above 0.",
        decide_both if "group" in methods else decide_gap,
    )  # fmt: skip


CLAIMS = {
    claim.key: claim
    for claim in (
        made_up("yes", "kalman", 1),
        made_up("no", "kalman", 2),
        made_up("maybe", "small", 3),
        made_up("both", "nature", 4, ("batch", "group", "kalman")),
        made_up("never", "beyond", 5),
    )
}


def accuracy_in(key: str):
    """Accuracies that decide the claim of this key."""

    def accuracy(job: Job) -> float:
        one = job.experiment
        gain = {"kalman": GAINS[key], "batch": 0.0, "group": 0.03}[one.method]
        twist = 8 if key == "maybe" and one.method == "kalman" else 1
        return 0.9 + gain + twist * NOISE[one.seed % len(NOISE)] * (one.method != "batch")

    return accuracy


def write_claim(home: Path, key: str, status: str = "finished", done: int | None = None) -> None:
    """Put a claim's runs into the store; only the first so many, if that is said."""
    for number, sweep in enumerate(CLAIMS[key].laptop.sweeps):
        ids = [job.id for job in sweep.jobs][:done]
        made = accuracy_in(key)
        write_sweep(
            home, sweep, lambda job, made=made, ids=ids: made(job) if job.id in ids else None,
            f"{key}-{number}", status,
        )  # fmt: skip
