"""Faults in the Kalman page: its numbers, its picture, and what it says of a recorded layer."""

from tests.faults import Fault

KEPT = "app/kalman/kept.py"
WIDGETS = "tests/app/test_kalman_widgets.py::"
FAULTS = [
    Fault(
        "bkn/replay.py",
        "    return Moments(mean, (1 - v) * prior.var + v * seen.var + spread)",
        "    return Moments(mean, (1 - v) * prior.var + v * seen.var)",
        "tests/app/test_kalman_arithmetic.py::test_the_posterior_is_the_update_of_the_layers[0.3]",
        "the posterior on the page forgets how far the two means lie apart",
    ),
    Fault(
        "bkn/replay.py",
        "    second = (a * a + 1) * upper + a * density",
        "    second = (a * a + 1) * upper",
        "tests/app/test_kalman_arithmetic.py::"
        "test_the_rectified_normal_is_that_of_the_layers[0.5-1.0]",
        "the variance behind a ReLU is wrong",
    ),
    Fault(
        "bkn/replay.py",
        "        share(min(abs(one), FARTHEST) ** 2 - spread / gap.size, spread)",
        "        share(min(abs(one), FARTHEST) ** 2, spread)",
        "tests/app/test_kalman_filters.py::"
        "test_innovations_speak_for_the_gain_that_the_layers_would_compute[0]",
        "noise of the innovations counts as error of the prior",
    ),
    Fault(
        "app/kalman/chance.py",
        "    return float(truth.var * (noise + (1 - noise) / places) / m)",
        "    return float(truth.var / (m * places))",
        "tests/app/test_kalman_arithmetic.py::test_the_noise_of_the_mean_is_that_of_drawn_images",
        "the places of an image count as independent",
    ),
    Fault(
        "app/kalman/averaged.py",
        "    mean = ((1 - GRID) ** 2 * bias + GRID**2 * spread) / truth_var",
        "    mean = ((1 - GRID) * bias + GRID * spread) / truth_var",
        "tests/app/test_kalman_arithmetic.py::"
        "test_the_error_curve_is_the_average_over_drawn_micro_batches[0.2]",
        "the errors of prior and batch are blended instead of their moments",
    ),
    Fault(
        "app/kalman/free.py",
        '    gain = settings["q"] if passes else 1.0',
        '    gain = settings["q"]',
        "tests/app/test_kalman_arithmetic.py::test_a_prior_a_hundred_times_too_wide_is_set_aside",
        "the guard is told and not obeyed",
    ),
    Fault(
        "app/kalman/equations.py",
        "{number(1 - scene.gain)} \\cdot {p_mean}",
        "{number(scene.gain)} \\cdot {p_mean}",
        "tests/app/test_kalman_arithmetic.py::"
        "test_the_numbers_in_the_equations_are_those_of_the_update",
        "the equation shows the observation's weight at the prior",
    ),
    Fault(
        "app/kalman/recorded.py",
        '    prior = picked(own, "prior", group, index)',
        '    prior = picked(own, "prior", 0, index)',
        "tests/app/test_kalman_recorded.py::test_a_scene_holds_what_was_recorded",
        "every micro-batch gets the first one's prior",
    ),
    Fault(
        "app/kalman/recorded.py",
        "guarded=unused and asked != 1.0,",
        "guarded=unused,",
        "tests/app/test_kalman_recorded.py::"
        "test_a_gain_of_one_in_force_means_that_the_guard_tripped_unless_it_was_asked_for",
        "a gain of 1 set by hand is told as the guard's doing",
    ),
    Fault(
        "app/kalman/recorded.py",
        "        if at in labels:\n            found[labels[at]] = None\n        else:\n"
        "            waiting += behind[at]",
        "        if at in labels:\n            found[labels[at]] = None\n"
        "        waiting += behind[at]",
        "tests/app/test_kalman_recorded.py::"
        "test_the_layers_that_feed_a_layer_are_the_nearest_below_it",
        "beliefs of all layers below are shown as those that made the prior",
    ),
    Fault(
        "app/kalman/picking.py",
        '    if not settings()["channel"]:',
        "    if True:",
        "tests/app/test_kalman_recorded.py::"
        "test_a_choice_changes_what_is_shown_and_stands_in_the_link"
        "[recorded_channel-3-channel 3,]",
        "the channel that was picked is passed over",
    ),
    Fault(
        "app/kalman/kept.py",
        "    if KEPT not in st.session_state:",
        "    if True:",
        "tests/app/test_kalman_page.py::"
        "test_a_slider_changes_the_equations_and_stands_in_the_address[q-0.75]",
        "a slider that is moved jumps back to what the link said",
    ),
    Fault(
        "app/figures/filter_keys.py",
        "    return Line(np.maximum(line.x, size.shift), line.y)",
        "    return Line(line.x, line.y)",
        "tests/app/test_kalman_figures.py::test_the_relu_moves_what_is_below_zero_to_zero",
        "the ReLU of the picture cuts nothing",
    ),
    Fault(
        "app/figures/filter_keys.py",
        "    y = (1 - scene.var_gain) * prior + scene.var_gain * density(scene.seen, x)",
        "    y = scene.var_gain * prior + (1 - scene.var_gain) * density(scene.seen, x)",
        "tests/app/test_kalman_figures.py::test_the_mixture_that_is_shown_has_the_posteriors_moments",
        "the mixture of the picture has its weights swapped",
    ),
    Fault(
        "pages/kalman.py",
        "kept.hear()\n",
        "",
        f"{WIDGETS}test_a_race_chosen_a_moment_ago_stays_among_the_options",
        "nobody asks what a hand has moved",
    ),
    Fault(
        KEPT,
        "    widgets.order(key, value)\n",
        "    st.session_state[widgets.key(key)] = value\n",
        f"{WIDGETS}test_a_refresh_orders_nothing_of_the_browser[url1-7]",
        "every refresh sets the widgets anew",
    ),
    Fault(
        KEPT,
        "    widgets.order(key, value)\n",
        "    if widgets.value(key, widgets.ABSENT) != value:\n"
        "        st.session_state[widgets.key(key)] = value\n",
        f"{WIDGETS}test_what_a_browser_says_that_has_not_heard_of_a_press_is_no_move[reset_sliders]",
        "a browser that has not heard of a press undoes it",
    ),
    Fault(
        KEPT,
        "    widgets.widget(kind, key, label, *args, **more)",
        "    kind(label, *args, key=widgets.key(key), **more)",
        f"{WIDGETS}test_a_link_begins_every_widget_though_its_first_run_is_lost",
        "a widget that comes late begins without what the link says",
    ),
    Fault(
        KEPT,
        " or kept[name] != was.setting:",
        ":",
        f"{WIDGETS}test_a_channel_picked_with_another_layer_was_meant_for_the_last_one",
        "a channel of the last layer is looked for in the next one",
    ),
    Fault(
        KEPT,
        "        drawn[name] = replace(was, setting=kept[name], value=now)\n",
        "",
        f"{WIDGETS}test_a_slider_moved_just_before_reset_is_reset",
        "a move is heard once more after the press that followed it",
    ),
    Fault(
        KEPT,
        "    widgets.reword(key, called)\n",
        "",
        f"{WIDGETS}test_a_race_at_the_same_place_says_other_words",
        "another race's methods are looked for by the words of the last one",
    ),
    Fault(
        KEPT,
        "    if was is not None and gone:\n",
        "    if False:\n",
        f"{WIDGETS}test_a_chooser_that_was_away_is_another_one",
        "what a browser says of a chooser that was away passes for a move",
    ),
    Fault(
        KEPT,
        'FORGET = ("race", "entrant", "layer")',
        'FORGET = ("race", "entrant")',
        f"{WIDGETS}test_another_layer_has_its_own_channel_though_the_run_is_lost",
        "another layer keeps the channel of the last one",
    ),
    Fault(
        "app/kalman/sidebar.py",
        "    hear()  # else a slider moved just before the press would count as moved after it\n",
        "",
        f"{WIDGETS}test_a_slider_moved_just_before_reset_is_reset",
        "a slider moved just before Reset stays where it is",
    ),
    Fault(
        "app/kalman/sidebar.py",
        "    hear()  # a number that was typed just before the press\n",
        "",
        f"{WIDGETS}test_a_deal_typed_just_before_draw_again_is_the_one_that_goes_on",
        "Draw again passes over the number that was typed just before",
    ),
    Fault(
        "app/kalman/picking.py",
        "        shown = LATEST if step == steps[-1] else str(step)\n",
        "        stops, shown = [*map(str, steps)], str(step)\n",
        f"{WIDGETS}test_the_end_of_the_slider_moves_on_and_a_hand_on_it_is_not_undone",
        "a snapshot that comes just then undoes the move of the slider",
    ),
]
