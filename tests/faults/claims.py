"""Faults in the claims: what decides them, what they look at, and what is written about them."""

from tests.faults import Fault

DECISIONS, CLAIMS = "tests/claims/test_decisions.py", "tests/claims/test_claims.py"
EVIDENCE, DOCUMENT = "tests/claims/test_evidence.py", "tests/claims/test_document.py"
COMMAND, MEASURES = "tests/cli/test_claim.py", "tests/training/test_measures.py"

FAULTS = [
    Fault(
        "bkn/claims/words.py",
        "        if alone := _alone(test):\n",
        "        if alone := None:\n",
        f"{DECISIONS}::test_what_adjusting_leaves_open_is_not_denied",
        "the words deny what the interval beside them shows",
    ),
    Fault(
        "bkn/claims/kalman_speed.py",
        "above_zero(label, known, between_tests(results))",
        "above_zero(label, known, 14.0)",
        f"{CLAIMS}::test_the_gpu_protocol_fits[kalman_speed]",
        "the GPU protocol is decided by a margin of the laptop",
    ),
    Fault(
        "bkn/claims/memorized.py",
        "WORTH, GPU.worth_because",
        "WORTH, LAPTOP.worth_because",
        f"{CLAIMS}::test_a_margin_is_explained_by_the_images_and_steps_of_its_own_protocol"
        "[memorized]",
        "a margin is explained by the test images of another dataset",
    ),
    Fault(
        "bkn/cli/claim.py",
        "    return int(bool(failed) or any(",
        "    return int(any(",
        f"{COMMAND}::test_runs_that_failed_are_tried_again_when_asked",
        "a verdict with failed runs passes for whole",
    ),
    Fault(
        "bkn/cli/claim.py",
        "timed_estimate(conductor, left, given.again)",
        "timed_estimate(conductor, left)",
        f"{COMMAND}::test_runs_that_failed_are_tried_again_when_asked",
        "what is tried again counts as done in the estimate",
    ),
    Fault(
        "bkn/cli/claim.py",
        '        if given.executor == "local":',
        "        if True:",
        f"{COMMAND}::test_images_are_asked_for_only_where_something_is_trained_here",
        "a cluster's images have to be on this machine too",
    ),
    Fault(
        "bkn/cli/claim.py",
        "    if out is None and not decided:\n",
        "    if False:\n",
        f"{COMMAND}::test_recorded_verdicts_do_not_give_way_to_none",
        "an empty store takes the recorded verdicts away",
    ),
    Fault(
        "bkn/claims/decisions.py",
        "holds, fails = _p_above(d, 0.0), _p_below(d, margin)",
        "holds, fails = _p_above(d, 0.0), 1.0",
        f"{DECISIONS}::test_beats",
        "a claim of a gain can never be refuted",
    ),
    Fault(
        "bkn/claims/decisions.py",
        "holds, fails = _p_above(d, 0.0), _p_below(d, margin)",
        "holds, fails = p_value(d), _p_below(d, margin)",
        f"{DECISIONS}::test_beats",
        "a clear loss counts as a gain",
    ),
    Fault(
        "bkn/claims/decisions.py",
        "dict(zip(map(id, everything), holm([m.p_holds for m in everything]), strict=True))",
        "{id(m): m.p_holds for m in everything}",
        f"{DECISIONS}::test_many_comparisons_are_adjusted_together",
        "comparisons of a claim are not corrected for their number",
    ),
    Fault(
        "bkn/claims/decisions.py",
        "    return INCONCLUSIVE if None in found else SUPPORTED",
        "    return NOT_SUPPORTED if None in found else SUPPORTED",
        f"{DECISIONS}::test_all_must_hold_and_one_failure_refutes",
        "undecided passes for refuted",
    ),
    Fault(
        "bkn/claims/decisions.py",
        "    if missing:\n        active",
        "    if len(missing) == len(results):\n        active",
        f"{DECISIONS}::test_nothing_is_decided_before_all_is_done",
        "a verdict is given while runs are missing",
    ),
    Fault(
        "bkn/claims/decisions.py",
        "[_together(test.holds for test in tests if test.decides) for tests in judged]",
        "[_together(test.holds for test in tests) for tests in judged]",
        f"{DECISIONS}::test_what_is_shown_only_has_no_say",
        "what is only shown decides",
    ),
    Fault(
        "bkn/claims/evidence.py",
        "                if result.seed in found:\n",
        "                if False:\n",
        f"{EVIDENCE}::test_what_is_ambiguous_or_not_there_is_refused",
        "of two runs that fit, the last is taken silently",
    ),
    Fault(
        "bkn/claims/protocols.py",
        "tuple(range(1000, 1008))},\n    batch=64",
        "tuple(range(100, 108))},\n    batch=64",
        f"{CLAIMS}::test_the_laptop_protocol_fits_and_is_small",
        "claims are tested on the seeds that defaults were chosen on",
    ),
    Fault(
        "bkn/claims/ic_stability.py",
        "(np.abs(changes).sum() - abs(changes.sum()))",
        "np.abs(changes).sum()",
        f"{CLAIMS}::test_restlessness_is_the_way_back_and_forth",
        "a curve that only rises counts as restless",
    ),
    Fault(
        "bkn/claims/learning_rates.py",
        'return {"diverged": 1.0, "finished": 0.0}.get(result.status)',
        'return float(result.status == "diverged")',
        f"{CLAIMS}::test_it_survives_runs_that_diverged_or_failed",
        "a run that failed for other reasons counts as one that did not diverge",
    ),
    Fault(
        "bkn/claims/document.py",
        "results = {r.job.id: r for entry in entries for r in entry.results if r.status in DONE}",
        "results = dict(enumerate(r for e in entries for r in e.results if r.status in DONE))",
        f"{DOCUMENT}::test_time_of_shared_runs_counts_once",
        "the time of shared runs counts once per claim",
    ),
    Fault(
        "bkn/cli/claim.py",
        "    decided = [entry for entry in entries if entry.verdict.verdict in DECIDED]",
        "    decided = list(entries)",
        f"{COMMAND}::test_only_the_document_trains_nothing_and_says_what_is_missing",
        "claims that are not decided are recorded for the page",
    ),
    Fault(
        "bkn/training/measures.py",
        "if p.requires_grad and p.ndim > 1][:-1]",
        "if p.requires_grad and p.ndim > 1]",
        f"{MEASURES}::test_the_weight_norm_is_the_geometric_mean_without_the_classifier",
        "the classifier's weights, which do matter, count among those that do not",
    ),
    Fault(
        "bkn/training/measures.py",
        "        with entrant.stream, frozen(entrant.model):\n",
        "        with entrant.stream:\n",
        f"{MEASURES}::test_every_method_is_measured_without_a_trace",
        "looking at a network changes its running statistics",
    ),
]
