"""What the snapshots of a layer will hold."""

from bkn.snapshot import BINS, GAINS, KEPT_GROUPS, SOURCES, LayerLayout, spaced

SHAPES = {  # C: kept channels, K: kept micro-batches
    "truth_mean": "C",
    "truth_var": "C",
    "seen_mean": "KC",
    "seen_var": "KC",
    "prior_mean": "KC",
    "prior_var": "KC",
    "posterior_mean": "KC",
    "posterior_var": "KC",
    "running_mean": "C",
    "running_var": "C",
    "gain": "C",
    "var_gain": "C",
    "gain_oracle": "C",
    "var_gain_oracle": "C",
    "mean_error": "SC",
    "var_error": "SC",
    "mean_curve": "QC",
    "var_curve": "QC",
    "histogram": "BC",
    "output_mean": "C",
    "output_var": "C",
    "consistency_mean": "C",
    "consistency_var": "C",
}
WITHOUT_BELIEFS = ("truth_mean", "truth_var", "histogram", "output_mean", "output_var")


def layer_layout(
    label: str, channels: int, places: int, groups: int, blending: str | None, most: int
) -> LayerLayout:
    """The layout of one layer.

    Args:
        label: of the layer.
        channels: it has.
        places: positions of its input.
        groups: micro-batches of the probe set.
        blending: how its update blends, "" if it has no prior, None if it has no beliefs.
        most: channels kept, at the most; of more, evenly spaced ones are.
    """
    kept = spaced(channels, most)
    sizes = {"C": len(kept), "K": min(KEPT_GROUPS, groups), "S": len(SOURCES)}
    sizes |= {"Q": len(GAINS), "B": BINS + 2}
    names = WITHOUT_BELIEFS if blending is None else tuple(SHAPES)
    fields = {name: tuple(sizes[letter] for letter in SHAPES[name]) for name in names}
    return LayerLayout(label, channels, kept, places, groups, blending or "", fields)
