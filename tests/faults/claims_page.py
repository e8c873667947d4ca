"""Faults in the Claims page: what it judges, whose results it shows, what its buttons do."""

from tests.faults import Fault

PAGE, PARTS = "tests/app/test_claims_page.py", "tests/app/test_claims.py"
RUNNING = "tests/app/test_claims_running.py"
DRAWING, RECORD = "tests/app/test_figures_interval.py", "tests/claims/test_recorded.py"

FAULTS = [
    Fault(
        "app/claims/standing.py",
        "        if self.decided or self.recorded is None:",
        "        if self.recorded is None:",
        f"{PARTS}::test_what_was_recorded_is_shown_until_own_runs_decide",
        "what was recorded elsewhere hides a verdict of one's own",
    ),
    Fault(
        "app/claims/standing.py",
        "        return not (self.stage and self.own.seeds >= FEWEST)",
        "        return self.own.seeds < FEWEST",
        f"{PARTS}::test_a_few_runs_of_another_claim_do_not_hide_the_record",
        "runs that another claim made replace a recorded verdict by none",
    ),
    Fault(
        "app/claims/standing.py",
        "        if known is None or known[0] != seen:",
        "        if known is None:",
        f"{PARTS}::test_a_claim_is_judged_again_only_when_a_run_is_done",
        "a claim is judged once and never again",
    ),
    Fault(
        "app/claims/standing.py",
        "for row in reversed(sweeps(self.reader, MOST_SWEEPS)):",
        "for row in reversed(sweeps(self.reader, 0)):",
        f"{PARTS}::test_a_claim_whose_conductor_died_is_interrupted",
        "nobody sees that a claim was interrupted",
    ),
    Fault(
        "app/claims/gallery.py",
        "    if test is None or test.n < FEWEST:",
        "    if test is None:",
        f"{PAGE}::test_too_few_seeds_are_not_judged_and_that_is_said",
        "two seeds are enough for an interval on a card",
    ),
    Fault(
        "app/claims/looks.py",
        "    if of.verdict not in DECIDED:\n        return LOOKS[NOT_RUN]\n",
        "",
        f"{RUNNING}::test_a_claim_that_runs_shows_how_far_it_is_and_what_is_known",
        "comparisons are judged while runs are missing",
    ),
    Fault(
        "app/claims/looks.py",
        "        if verdict.verdict == outcome:",
        "        if False:",
        f"{PARTS}::test_the_card_shows_the_comparison_that_made_the_verdict",
        "a claim that failed shows the comparison that held",
    ),
    Fault(
        "app/claims/scene.py",
        "        and (not now.topics or one.claim.topic in now.topics)\n",
        "",
        f"{PAGE}::test_a_filter_leaves_what_passes_in_its_order_and_stands_in_the_address",
        "the filter of topics leaves everything",
    ),
    Fault(
        "app/claims/sheet.py",
        "one.from_record and kept.fits(one.claim)",
        "one.from_record",
        f"{PAGE}::test_a_record_of_an_older_protocol_says_so",
        "recorded runs of another protocol stand beside the runs of this one",
    ),
    Fault(
        "app/claims/tables.py",
        "escape(row.message, quote=True).replace",
        "row.message.replace",
        f"{RUNNING}::test_what_failed_is_left_out_said_and_tried_again",
        "the message of a run is markup",
    ),
    Fault(
        "app/claims/tables.py",
        '.replace("\\n", "&#10;")',
        "",
        f"{RUNNING}::test_what_failed_is_left_out_said_and_tried_again",
        "a message with an empty line ends the table of runs",
    ),
    Fault(
        "app/claims/buttons.py",
        'st.button("Run all", "run_all", icon=PLAY, on_click=acting.confirm, args=(True,))',
        'button("Run all", "run_all", PLAY, lambda: acting.run(lab, standings))',
        f"{RUNNING}::test_run_all_asks_first_and_says_what_it_takes",
        "hours of training begin without a question",
    ),
    Fault(
        "app/claims/plan.py",
        "if not state(DATASETS[key]).ready)",
        "if False)",
        f"{RUNNING}::test_without_a_gpu_and_its_images_the_page_says_so_in_place_of_failing",
        "a claim is run although its images are missing",
    ),
    Fault(
        "app/claims/acting.py",
        '        owner_of(sweep_id) in ("", visitor()) for one in standings',
        "        True for one in standings",
        f"{RUNNING}::test_a_claim_of_another_visitor_cannot_be_stopped",
        "everybody may stop everybody's claims",
    ),
    Fault(
        "app/figures/interval.py",
        "        left, right = drawn.at(band[0]), drawn.at(band[1])",
        "        left, right = drawn.at(0.0), drawn.at(band[1])",
        f"{DRAWING}::test_the_band_is_shaded_from_its_start_to_its_end",
        "the margin is shaded on one side only",
    ),
    Fault(
        "bkn/claims/recorded.py",
        "return None if isinstance(value, float) and not isfinite(value) else value",
        "return value",
        f"{RECORD}::test_what_is_not_a_number_stays_so_and_the_file_is_strict_json",
        "an interval that is not known breaks the recorded file",
    ),
]
