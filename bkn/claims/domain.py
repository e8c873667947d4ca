"""Statistics per domain help on domains that training has not seen."""

from collections.abc import Mapping, Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import BySeed, Part, beats, verdict
from bkn.claims.evidence import Evidence, figure
from bkn.claims.protocols import GPU, LAPTOP, Scale
from bkn.results import Result
from bkn.sweep import Sweep

STYLES = ("sketch", "negative")  # held out, one at a time
GAIN = 1.0  # point


def _sweeps(scale: Scale, width: int, epochs: int, seeds: int) -> list[Sweep]:
    return [
        scale.sweep(
            ["batch", "domain"], datasets=("shapes",), networks=("convnet",), epochs=epochs,
            network_options={"width": width}, seeds=seeds, augment="none",
            dataset_options={"styles": "four", "held_out": style, "difficulty": 0.1},
        )
        for style in STYLES
    ]  # fmt: skip


def decide(results: Sequence[Result]) -> Verdict:
    """Accuracy on the unseen style, averaged over the styles by seed; each is shown beside."""
    unseen = figure("held_out_accuracy", 100.0)
    ours, theirs = {}, {}
    for style in STYLES:
        runs = Evidence([r for r in results if _held_out(r) == style])
        ours[style], theirs[style] = runs.of("domain", unseen), runs.of("batch", unseen)
    label = "domain − batch norm on an unseen style"
    both = beats(label, _mean(ours), _mean(theirs), GAIN)
    each = [beats(f"{s} held out", ours[s], theirs[s], GAIN, decides=False) for s in STYLES]
    return verdict(results, Part("They help", [both, *each]))


def _held_out(result: Result) -> str:
    return str(result.job.experiment.dataset_options["held_out"])


def _mean(rows: Mapping[str, BySeed]) -> dict[int, float]:
    seeds = set.intersection(*(set(row) for row in rows.values()))
    return {seed: sum(row[seed] for row in rows.values()) / len(rows) for seed in seeds}


BECAUSE = (
    "Accuracies on unseen styles are low and vary by points from seed to seed; less than one point "
    "would not be worth statistics per domain."
)


CLAIM = Claim(
    "domain",
    "beyond",
    "Statistics per domain help on unseen domains",
    "When images come from several domains, normalizing each by its own statistics, and mixing the "
    "domains' predictions for an image of an unknown one by how near its statistics are, is more "
    "accurate on unseen domains than batch normalization over all.",
    "Segu, Tonioni & Tombari 2020; Seo et al. 2019",
    "https://arxiv.org/abs/2011.12672",
    2020,
    "PACS and others, ResNet-18 trained before on ImageNet, one domain left out at a time: 83.1 % "
    "on average on PACS.",
    Protocol(
        "Shapes in three styles, easy (difficulty 0.1), convnet of width 8 from random weights, "
        "B = 64, m = 64, peak lr 0.05, 1 epoch (500 steps), tested on the fourth style: sketch and "
        "negative. The first 4 of the fresh seeds.",
        lambda: _sweeps(LAPTOP, 8, 1, 4),
        GAIN,
        BECAUSE,
    ),
    Protocol(
        "Shapes in three styles, easy, convnet of width 32, B = 128, m = 128, peak lr 0.1, 10 "
        "epochs, tested on the fourth; 5 fresh seeds. This lab has no photographs in several "
        "styles.",
        lambda: _sweeps(GPU, 32, 10, 5),
        GAIN,
        BECAUSE,
    ),
    "Paired by seed: the accuracy on the unseen style, averaged over the two styles, is above "
    "batch norm's.",
    decide,
)
