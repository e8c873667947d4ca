"""Faults in what the app orders of its widgets, and in what it believes of a browser."""

from tests.faults import Fault

TEST, WIDGETS = "tests/app/test_widgets.py", "app/widgets.py"
TIME = "tests/app/test_layers_timeline.py"
IN_PLACE = (
    "        state[in_turn(name, turn(name) + 1)] = value\n        begin_anew(name)\n",
    "        state[shown] = value\n",
)

FAULTS = [
    Fault(
        WIDGETS,
        *IN_PLACE,
        f"{TEST}::test_an_order_that_the_browser_has_missed_holds",
        "a browser that has missed an order undoes it",
    ),
    Fault(
        WIDGETS,
        *IN_PLACE,
        f"{TEST}::test_a_sweep_that_has_started_stays",
        "a sweep that has just started gives way to the one before",
    ),
    Fault(
        WIDGETS,
        *IN_PLACE,
        f"{TEST}::test_a_layer_that_was_clicked_stays",
        "a click on a layer is undone",
    ),
    Fault(
        WIDGETS,
        *IN_PLACE,
        f"{TEST}::test_another_channel_stays",
        "a step to the next channel is undone",
    ),
    Fault(
        "app/forms.py",
        '        widgets.order("micro_batch", fits[-1])\n',
        "",
        "tests/app/test_moved.py::test_a_smaller_batch_takes_a_micro_batch_that_fits_and_sends_none",
        "a micro-batch that does not fit the new batch stays",
    ),
    Fault(
        WIDGETS,
        "name: turn(name) + 1}",
        "name: turn(name)}",
        f"{TEST}::test_a_choice_that_is_gone_does_not_come_back",
        "a choice that was forgotten comes back from the browser",
    ),
    Fault(
        WIDGETS,
        "        return now  #",
        "        shown[name] = now\n        return now  #",
        f"{TEST}::test_a_hand_is_heard_until_its_move_is_kept",
        "a move by hand is lost where the run breaks off before it was kept",
    ),
    Fault(
        WIDGETS,
        "    if said.get(name, words) != words:\n",
        "    if False:\n",
        f"{TEST}::test_of_another_race_no_method_of_the_last_is_chosen",
        "another race shows the position that was chosen in the last",
    ),
    Fault(
        WIDGETS,
        "    elif state[shown] != value:\n",
        "    else:\n",
        f"{TEST}::test_a_widget_is_the_same_until_something_is_ordered",
        "every run makes a widget anew, also under the hand",
    ),
    Fault(
        WIDGETS,
        "        return now  #",
        "        pass  #",
        f"{TEST}::test_a_hand_moves_what_is_followed",
        "a move by hand is undone",
    ),
    Fault(
        WIDGETS,
        "key=key(name), **{**more, **begins(kind, name, args)})\n",
        "key=key(name), **more)\n",
        f"{TIME}::test_a_widget_that_comes_late_begins_with_what_was_chosen",
        "a widget that a slow browser shows late begins with its own default",
    ),
    Fault(
        WIDGETS,
        '    if not isinstance(state.get("explain"), bool):\n',
        "    if True:\n",
        f"{TIME}::test_a_refresh_orders_nothing_of_the_browser",
        "every refresh sets Explain, and undoes a late hand",
    ),
]
