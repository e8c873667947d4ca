"""Faults in the full probe, its schedule and its thinning."""

from tests.faults import Fault

FULL = "bkn/probe/full.py"
CHANNELS = "bkn/probe/channels.py"
REPLAYED = "bkn/probe/replayed.py"
DEPTH = "bkn/probe/depth.py"
PROBING = "bkn/training/probing.py"
THINNING = "bkn/probe/thinning.py"
TWINS = (
    "tests/probe/test_full.py::test_beliefs_errors_and_curves_equal_their_twins[kalman-options0]"
)
SCALARS = "tests/probe/test_full.py::test_scalars_by_depth_equal_their_twins[kalman]"
TRUTH = (
    "tests/probe/test_full.py::test_truth_histogram_and_output_equal_their_twins[kalman-options0]"
)
SCHEDULE = "tests/training/test_probing.py::test_first_and_last_rounds_are_full_and_the_rest_shares"

FAULTS = [
    Fault(
        FULL,
        "stored = self.model.eval()(*inputs)",
        "self.model(*inputs)\n            stored = self.model.eval()(*inputs)",
        SCALARS,
        "evaluation is asked after a pass in training mode has moved what is stored",
    ),
    Fault(
        FULL,
        "with frozen(self.model):\n                logits",
        "if True:\n                logits",
        "tests/probe/test_full.py::test_probing_fully_leaves_no_trace[moments]",
        "the full probe moves the running statistics",
    ),
    Fault(
        CHANNELS,
        "* (1 - gain) / noise",
        "* gain / noise",
        TWINS,
        "consistency expects what a filter with the opposite gain would claim",
    ),
    Fault(
        CHANNELS,
        '"var_gain": found.var_gain,',
        '"var_gain": 1 - found.var_gain,',
        TWINS,
        "the gain of the variance is the prior's weight",
    ),
    Fault(
        CHANNELS,
        "return values[:rows]",
        "return values[-rows:]",
        TWINS,
        "the last micro-batches are kept, not the first",
    ),
    Fault(
        REPLAYED,
        "posterior = blend(prior, seen, gain, gain)",
        "posterior = blend(prior, seen, gain, 1 - gain)",
        TWINS,
        "the variance's curve runs backwards",
    ),
    Fault(
        REPLAYED,
        "torch.where(better, gain, best)",
        "torch.where(better, best, gain)",
        TWINS,
        "the search for the variance's best gain keeps the worse ones",
    ),
    Fault(
        DEPTH,
        "+ eps)\n    mean",
        ")\n    mean",
        "tests/probe/test_full.py::test_truth_histogram_and_output_equal_their_twins[batch-options2]",
        "the output's moments forget eps",
    ),
    Fault(
        DEPTH,
        "(mean - shift) / scale",
        "mean / scale",
        "tests/probe/test_full.py::test_truth_histogram_and_output_equal_their_twins[group-options3]",
        "the shift is not undone in the output of other methods",
    ),
    Fault(
        "bkn/probe/histogram.py",
        ".clamp_(-1, BINS)",
        ".clamp_(0, BINS - 1)",
        TRUTH,
        "what lies beyond the bins is counted in them",
    ),
    Fault(
        "bkn/probe/errors.py",
        "math.nan)\n    return torch.where(alive, error, 0.0).sum(-2) / alive.sum(-2)",
        "0.0)\n    return torch.where(alive, error, 0.0).sum(-2) / alive.sum(-2)",
        "tests/probe/test_full.py::test_a_dead_channel_spoils_nothing",
        "a dead channel's estimates look perfect",
    ),
    Fault(
        "bkn/probe/weights.py",
        "node = max(open_ends",
        "node = min(open_ends",
        "tests/probe/test_network_map.py::test_the_weights_that_feed_a_norm_are_the_nearest_below",
        "behind a sum the shortcut's weights are watched",
    ),
    Fault(
        "bkn/probe/weights.py",
        "(weight - before).norm() / before.norm()",
        "(weight - before).norm() / (weight - before).norm()",
        SCALARS,
        "every step is as large as itself",
    ),
    Fault(
        "bkn/probe/network_map.py",
        "return inputs[:1] if isinstance(_module(graph, node), Normalizer) else inputs",
        "return inputs",
        "tests/probe/test_network_map.py::test_every_method_draws_the_same_network[cross_iteration]",
        "what a normalizer gets beside its input is drawn as an edge",
    ),
    Fault(
        PROBING,
        "        if last:\n            looked_at = list(self.full)",
        "        if False:\n            looked_at = list(self.full)",
        "tests/training/test_probing.py::test_rows_and_snapshot_of_a_full_round_agree",
        "the last step's update is not measured",
    ),
    Fault(
        PROBING,
        "self.budget.within(FULL, FULL_SHARE)",
        "True",
        SCHEDULE,
        "full rounds take all the time there is",
    ),
    Fault(
        PROBING,
        "return kind if self.budget.allows(kind) else None",
        "return kind",
        SCHEDULE,
        "the probe does not wait for its budget",
    ),
    Fault(
        PROBING,
        "FULL if run in self.full else LIGHT",
        "LIGHT",
        SCHEDULE,
        "the last round is a light one",
    ),
    Fault(
        THINNING,
        "self._interval *= 2",
        "self._interval += 1",
        "tests/probe/test_thinning.py::test_first_and_newest_stay_and_the_rest_is_evenly_spread",
        "the grid of kept snapshots becomes uneven",
    ),
    Fault(
        THINNING,
        "or one is newest",
        "",
        "tests/probe/test_thinning.py::test_first_and_newest_stay_and_the_rest_is_evenly_spread",
        "the newest snapshot may go",
    ),
    Fault(
        THINNING,
        'state["interval"], state["taken"]',
        '1, state["taken"]',
        "tests/probe/test_thinning.py::test_a_continued_run_keeps_the_same_grid",
        "a continued run begins a grid of its own",
    ),
    Fault(
        "bkn/store/slimming.py",
        "kept = {steps[at] for at in spaced(len(steps), snapshots)}",
        "kept = set(steps[:snapshots])",
        "tests/store/test_slimming.py::test_what_stays_is_unchanged",
        "a shipped race keeps its beginning only",
    ),
]
