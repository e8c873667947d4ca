"""Faults in the Layers page: its numbers, its history, its figures and its map."""

from tests.faults import Fault

PAGE, FIGURES = "tests/app/test_layers_page.py", "tests/app/test_figures_layers.py"
TIME = "tests/app/test_layers_timeline.py"
NUMBERS, MAP = "tests/app/test_layers.py", "tests/app/test_figures_layer_map.py"

FAULTS = [
    Fault(
        "app/layers/numbers.py",
        "    known = np.isfinite(errors) & alive\n",
        "    known = np.isfinite(errors)\n",
        f"{NUMBERS}::test_dead_channels_and_unknown_values_do_not_count",
        "a dead channel counts in a layer's error",
    ),
    Fault(
        "app/layers/numbers.py",
        "np.stack([prior, seen, posterior])",
        "np.stack([seen, prior, posterior])",
        f"{NUMBERS}::test_who_helped_counts_channels",
        "prior and micro-batch change places in who helped",
    ),
    Fault(
        "app/layers/numbers.py",
        "float(gains[curve.argmin()])",
        "float(gains[curve.argmax()])",
        f"{NUMBERS}::test_the_replay_finds_the_gain_with_the_least_error",
        "the best gain is the worst",
    ),
    Fault(
        "app/layers/history.py",
        "        key = (str(cache.reader.path), cache.race_id, run_id, cache.rewinds)",
        "        key = (str(cache.reader.path), cache.race_id, run_id)",
        f"{NUMBERS}::test_a_race_that_went_back_is_read_anew",
        "a race that went back shows what it saw before",
    ),
    Fault(
        "app/layers/history.py",
        "            self._used += size - self._kept.pop(key, (snapshot, 0))[1]",
        "            self._used += size",
        f"{NUMBERS}::test_the_shelf_counts_a_snapshot_once",
        "a snapshot kept twice takes room twice",
    ),
    Fault(
        "app/layers/scene.py",
        '        widgets.order("at", total)\n    if PLAYING',
        '        widgets.order("at", steps[-1])\n    if PLAYING',
        f"{TIME}::test_the_right_end_of_the_slider_follows_a_running_race",
        "the slider holds the latest snapshot in place of following",
    ),
    Fault(
        "app/layers/scene.py",
        "    if PLAYING not in state:\n",
        '    here = widgets.value("at")\n    widgets.begin_anew("at")\n'
        '    widgets.order("at", here)\n    if PLAYING not in state:\n',
        f"{TIME}::test_a_refresh_orders_nothing_of_the_browser",
        "every refresh sets the slider, and undoes a late hand",
    ),
    Fault(
        "app/layers/controls.py",
        '        order("at", st.session_state.pop(PLAYING)[1])\n',
        "        st.session_state.pop(PLAYING)\n",
        f"{TIME}::test_a_pause_stays_where_it_is",
        "the slider that a pause brings back is told nothing",
    ),
    Fault(
        "app/layers/controls.py",
        '    begin_anew("at")',
        "    pass",
        f"{TIME}::test_play_goes_through_the_snapshots_and_stops_at_the_end",
        "after a play the browser's old slider is believed",
    ),
    Fault(
        "app/layers/scene.py",
        '        widgets.order("at", total)\n        del state[PLAYING]',
        '        widgets.order("at", total)',
        f"{TIME}::test_play_goes_through_the_snapshots_and_stops_at_the_end",
        "the play never stops",
    ),
    Fault(
        "app/layers/scene.py",
        "    if asked not in layout.kept or last not in (None, label):",
        "    if asked not in layout.kept:",
        f"{PAGE}::test_another_layer_begins_with_its_own_worst_channel",
        "another layer keeps the channel of the last",
    ),
    Fault(
        "app/layers/controls.py",
        "    st.session_state[MOVED] = True\n",
        "",
        f"{PAGE}::test_the_chosen_gain_is_replayed_and_drawn_with_the_beliefs",
        "the chosen gain is not replayed",
    ),
    Fault(
        "app/figures/layer_belief.py",
        "        at = (group, channel) if mean.ndim == 2 else (channel,)",
        "        at = (0, channel) if mean.ndim == 2 else (channel,)",
        f"{FIGURES}::test_each_belief_is_drawn_with_its_mean_and_deviation",
        "always the first micro-batch is drawn",
    ),
    Fault(
        "app/figures/layer_belief.py",
        "share[1:-1] * BINS / (2 * SPAN * truth.deviation)",
        "share[1:-1]",
        f"{FIGURES}::test_the_bars_are_the_truths_density",
        "the histogram shows shares where curves show densities",
    ),
    Fault(
        "app/figures/layer_gains.py",
        "    names = [str(kept[at]) for at in order]",
        "    names = [str(at) for at in sorted(order)]",
        f"{FIGURES}::test_gains_are_sorted_by_the_best_and_keep_their_channels",
        "a click on a gain picks another channel",
    ),
    Fault(
        "app/figures/layer_helped.py",
        "float(np.sqrt(one.errors[name] / seen))",
        "float(one.errors[name] / seen)",
        f"{FIGURES}::test_who_helped_as_shares_and_ratios",
        "ratios of squared errors pass for ratios of errors",
    ),
    Fault(
        "app/figures/network_map.py",
        "np.clip(values, scale.low, scale.high)",
        "values",
        f"{MAP}::test_colours_marks_and_table_say_the_same",
        "an error beyond the scale has a colour of its own",
    ),
    Fault(
        "app/figures/map_layout.py",
        "    return {rank for rank in range(last) if crossing[rank] == 1}",
        "    return set(range(last))",
        f"{MAP}::test_a_deep_network_wraps_between_its_blocks",
        "a line ends inside a block",
    ),
    Fault(
        "app/figures/map_layout.py",
        'nodes[a]["row"] == nodes[b]["row"] == 0 and ranks[b] - ranks[a] > 1',
        "False",
        f"{MAP}::test_a_shortcut_leaps_and_a_branch_stands_below",
        "a shortcut is drawn through the layers that it leaps over",
    ),
]
