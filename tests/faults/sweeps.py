"""Faults in sweeps: the conductor, its executor and jobs, estimates and the command."""

from tests.faults import Fault

TURNS, LOCAL = "tests/engine/test_conducting.py", "tests/engine/test_local_executor.py"
CONDUCTOR, WORKER = "tests/engine/test_conductor.py", "tests/engine/test_job_worker.py"
COMMANDS = "tests/cli/test_commands.py"

FAULTS = [
    Fault(
        "bkn/cli/record.py",
        "    check_slim(given.snapshots, given.channels)\n",
        "",
        f"{COMMANDS}::test_what_cannot_be_recorded_is_refused_before_the_training",
        "what cannot be kept is refused only after the training",
    ),
    Fault(
        "bkn/cli/record.py",
        "    finally:\n        fresh.unlink(missing_ok=True)\n",
        "",
        f"{COMMANDS}::test_what_could_not_be_recorded_leaves_nothing_behind",
        "half a record stays beside its place",
    ),
    Fault(
        "bkn/cli/sweep_table.py",
        "first = next((entrant for entrant in entrants if entrant in known), entrants[0])",
        "first = results[0].entrant",
        "tests/cli/test_sweep.py::"
        "test_the_first_method_named_is_the_baseline_though_it_fits_not_everywhere",
        "the first place of the grid chooses what all are compared with",
    ),
    Fault(
        "bkn/engine/conducting.py",
        "            elif not leaving:\n",
        "            else:\n",
        f"{TURNS}::test_closing_leaves_a_sweep_that_another_has_finished_as_it_is",
        "who leaves takes a finished sweep along, and others wait for it for ever",
    ),
    Fault(
        "bkn/engine/ledger.py",
        "    if not sweeps.owns_job(writer, job_id, owner):\n        return TAKEN\n",
        "",
        f"{TURNS}::test_a_job_that_was_taken_away_is_not_written_to",
        "a conductor that seemed dead writes to a job that another one trains now",
    ),
    Fault(
        "bkn/engine/ledger.py",
        "        if sweeps.has_begun(writer, run_id):\n",
        "        if False:\n",
        f"{TURNS}::test_an_executor_may_begin_anew_by_itself",
        "rows of a lost attempt stay beside those of the next",
    ),
    Fault(
        "bkn/engine/ledger.py",
        "    if flight.attempt < ATTEMPTS:\n",
        "    if True:\n",
        f"{TURNS}::test_a_lost_job_is_trained_anew_twice_then_failed",
        "a job that kills its process is tried for ever",
    ),
    Fault(
        "bkn/engine/conducting.py",
        "                    self.shares.served(share)\n",
        "",
        f"{TURNS}::test_sweeps_take_turns",
        "a long sweep keeps all others waiting",
    ),
    Fault(
        "bkn/engine/conducting.py",
        "            if heir is not None:\n",
        "            if False:\n",
        f"{TURNS}::test_a_stopped_sweeps_job_goes_on_for_another_that_wants_it",
        "stopping a sweep ends a job that another sweep waits for",
    ),
    Fault(
        "bkn/engine/conducting.py",
        "            self.ledger.owe_sweep(share.id, why)\n",
        "",
        f"{TURNS}::test_a_full_disk_stops_the_sweep_in_words_and_nothing_is_lost_later",
        "a full disk is swallowed",
    ),
    Fault(
        "bkn/store/sweeps.py",
        "    if status in ACTIVE and worker != owner and alive:\n",
        "    if False:\n",
        f"{CONDUCTOR}::test_another_conductor_can_stop_a_sweep_and_help_with_it",
        "two conductors train the same job",
    ),
    Fault(
        "bkn/engine/closing.py",
        "    if race.job is not None:\n",
        "    if False:\n",
        "tests/engine/test_monitor.py::test_a_dead_conductors_job_is_interrupted_and_free",
        "a job whose conductor was killed counts as failed, and is never trained",
    ),
    Fault(
        "bkn/engine/local.py",
        '        if line is None or "last" in line:\n',
        "        if line is None:\n",
        f"{LOCAL}::test_a_process_that_says_that_it_ends_loses_its_slot_at_once",
        "a job is given to a process that ends",
    ),
    Fault(
        "bkn/engine/job_worker.py",
        "    os.dup2(2, 1)\n",
        "",
        f"{WORKER}::test_what_libraries_print_goes_elsewhere",
        "what libraries print lands among the news",
    ),
    Fault(
        "bkn/training/job.py",
        "    with training_threads(1):\n        trainer = RaceTrainer(Race((job.experiment,)"
        ', "off"), gathering',
        "    with training_threads(2):\n        trainer = RaceTrainer(Race((job.experiment,)"
        ', "off"), gathering',
        "tests/training/test_job.py::test_a_job_runs_on_one_thread_and_puts_the_number_back",
        "the bits of a job depend on who executes it",
    ),
    Fault(
        "bkn/engine/estimate.py",
        "max(sum(took) / slots, max(took))",
        "sum(took) / slots",
        "tests/engine/test_estimate.py::test_more_slots_than_jobs_help_no_further",
        "more slots than jobs shorten the estimate",
    ),
    Fault(
        "bkn/sweep.py",
        "    return {name: value for name, value in proper.items() if value != defaults[name]}\n",
        "    return dict(common)\n",
        "tests/test_sweep.py::test_sweeps_of_the_same_experiments_are_equal_however_they_were_asked_for",
        "the command line cannot continue a sweep of the page",
    ),
    Fault(
        "bkn/cli/sweep.py",
        "    return int(failed)\n",
        "    return 0\n",
        "tests/cli/test_sweep.py::test_what_failed_is_named_and_can_be_tried_again",
        "failures have the exit status of success",
    ),
    Fault(
        "bkn/engine/ledger.py",
        '        writer.set_status(run_id, "running", 0)\n',
        "",
        "tests/engine/test_conducting.py::"
        "test_a_job_runs_from_its_beginning_on_though_it_has_told_nothing_yet",
        "a short job is never seen to run",
    ),
]
