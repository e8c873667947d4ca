"""Faults in the Batch size page: its cells, its comparisons, its words and its settings."""

from tests.faults import Fault

TABLE, FIGURES = "tests/app/test_sweep_table.py", "tests/app/test_figures_sweep.py"
PAGE, WORDS = "tests/app/test_batch_size_page.py", "tests/app/test_sweep_words.py"
SWEEP = "tests/app/test_batch_size_sweep.py"

FAULTS = [
    Fault(
        "app/batch_size/compare.py",
        "    seeds = tuple(seed for seed in cell.values if seed in against.values)",
        "    seeds = tuple(cell.values)[: len(against.values)]",
        f"{TABLE}::test_differences_pair_the_same_seeds_even_where_some_are_missing",
        "differences pair different seeds",
    ),
    Fault(
        "app/batch_size/compare.py",
        "iter(holm([chance(one.paired) for one in found if one.paired is not None]))",
        "iter([chance(one.paired) for one in found if one.paired is not None])",
        f"{TABLE}::test_p_values_are_adjusted_over_the_whole_table",
        "p values are not adjusted for their number",
    ),
    Fault(
        "app/batch_size/compare.py",
        "    return one.sign_p if one.sd < EQUAL else one.p",
        "    return one.p",
        f"{TABLE}::test_two_equal_differences_are_no_certainty",
        "two equal differences are certain",
    ),
    Fault(
        "app/batch_size/words.py",
        "    if not may_compare(table, at):\n",
        "    if False:\n",
        f"{WORDS}::test_with_one_seed_nothing_is_put_in_order",
        "with one seed the sentence does not refuse",
    ),
    Fault(
        "app/figures/sweep_pairs.py",
        "    if len(table.seeds) < 2 or not may_compare(table, at):\n",
        "    if False:\n",
        f"{WORDS}::test_with_one_seed_nothing_is_put_in_order",
        "with one seed there is a table of differences",
    ),
    Fault(
        "app/batch_size/table.py",
        "return mean_interval(list(self.values.values())) if len(self.values) > 1 else None",
        "return mean_interval([*self.values.values(), 0.5, 0.9]) if self.values else None",
        f"{FIGURES}::test_with_one_seed_no_interval_is_drawn_and_the_figure_says_so",
        "one seed has an interval",
    ),
    Fault(
        "app/figures/sweep_grid.py",
        '    if kind == "running":\n        return',
        '    if kind == "running" and cell.mean is None:\n        return',
        f"{FIGURES}::test_the_grid_marks_what_is_trained_what_failed_and_what_does_not_fit",
        "a cell that has a value already does not pulse",
    ),
    Fault(
        "app/figures/sweep_grid.py",
        '        return f"does not fit: {cell.why}"',
        '        return "does not fit"',
        f"{FIGURES}::test_the_grids_table_gives_every_reason",
        "a misfit does not say why",
    ),
    Fault(
        "app/figures/sweep_steps.py",
        "    return (low + high) / 2",
        "    return low",
        f"{FIGURES}::test_steps_of_an_even_number_of_seeds_never_pretend",
        "half of the seeds never get there, and the median is a number",
    ),
    Fault(
        "app/batch_size/history.py",
        "            if self._table is None or news != self._news:",
        "            if self._table is None:",
        f"{SWEEP}::test_cells_fill_while_the_sweep_runs",
        "cells do not fill while the sweep runs",
    ),
    Fault(
        "app/batch_size/scene.py",
        '    mine = bool(watched.shown_id) and watched.owner in ("", visitor())',
        "    mine = bool(watched.shown_id)",
        f"{SWEEP}::test_only_who_started_a_sweep_may_stop_it",
        "anyone may stop a sweep",
    ),
    Fault(
        "app/whose.py",
        "    kept[owner] = {name: value(name) for name in NAMES[owner] if key(name) in state}",
        "    kept[owner] = {}",
        f"{PAGE}::test_settings_of_the_race_and_of_the_sweep_do_not_mix",
        "a visit of the Batch size page loses the race's settings",
    ),
    Fault(
        "app/batch_size/scene.py",
        "        state[SWEEP] = chosen\n",
        "        state[SWEEP] = watched.shown_id\n",
        f"{PAGE}::test_an_earlier_sweep_can_be_chosen",
        "another sweep cannot be chosen",
    ),
    Fault(
        "app/batch_size/scene.py",
        '        state[LATEST] = state.get(LATEST, "") if chosen else ""\n',
        "",
        f"{PAGE}::test_without_a_link_the_latest_sweep_is_shown",
        "the recorded sweep cannot be chosen",
    ),
]
