"""Faults in the Methods page, its drawings and the measurement of costs."""

from tests.faults import Fault

FAULTS = [
    Fault(
        "app/figures/sharing.py",
        "        among = n // MICRO_BATCH",
        "        among = n * 0",
        "tests/app/test_tensor.py::"
        "test_cells_share_a_number_exactly_where_they_share_a_statistic[images+places]",
        "both micro-batches are drawn as one statistic",
    ),
    Fault(
        "app/figures/sharing.py",
        "    return among * (within.max() + 1) + within",
        "    return among * within.max() + within",
        "tests/app/test_tensor.py::"
        "test_cells_share_a_number_exactly_where_they_share_a_statistic[places]",
        "the last channel of an image shares its number with the next image's first",
    ),
    Fault(
        "app/figures/tensor.py",
        "(v, SHADES[u])",
        "(v, SHADES[0])",
        "tests/app/test_tensor.py::test_every_statistic_has_a_colour_of_its_own[places]",
        "statistics of different images have one colour",
    ),
    Fault(
        "app/methods/link.py",
        "                wrong.append(str(error))",
        "                pass",
        "tests/app/test_methods_page.py::test_a_wrong_link_is_said_in_words",
        "an unknown method in the link is passed over in silence",
    ),
    Fault(
        "app/methods/link.py",
        "    if card.takes_domains:",
        "    if False:",
        "tests/app/test_methods_page.py::"
        "test_race_this_leads_to_settings_that_a_link_holds_and_a_race_takes[domain]",
        "a method told of domains is raced on images of one style",
    ),
    Fault(
        "app/forms.py",
        '    widgets.hold((*address.DEFAULTS, *address.OPTIONS, *address.LOOKS, "follow"))',
        "",
        "tests/app/test_methods_page.py::test_settings_of_the_race_outlive_a_look_at_the_methods",
        "a look at the Methods page forgets the settings of the race",
    ),
    Fault(
        "bkn/store/costs.py",
        "SELECT max(id) FROM cost GROUP BY method",
        "SELECT min(id) FROM cost GROUP BY method",
        "tests/store/test_costs.py::test_the_latest_measurement_of_every_method_counts",
        "the first measurement counts, not the latest",
    ),
    Fault(
        "bkn/cli/lines.py",
        "    os._exit(3)",
        "    pass",
        "tests/cli/test_cost.py::test_it_tells_a_program_in_lines_and_ends_with_its_stdin",
        "a measurement outlives the server that asked for it",
    ),
    Fault(
        "bkn/engine/following.py",
        "        if self._process is not None:\n            raise",
        "        if False:\n            raise",
        "tests/engine/test_measuring.py::test_it_is_followed_line_by_line_and_only_one_runs",
        "two measurements run at once and disturb each other",
    ),
    Fault(
        "bkn/training/cost.py",
        "    times = take_turns(sides, ROUNDS[1], clock_of(device), seconds, ROUNDS[0])",
        "    times = take_turns(sides, ROUNDS[1], clock_of(device), seconds, 1)",
        "tests/training/test_cost.py::test_a_measurement_has_both_medians_and_their_ratio",
        "the median may be of a single step",
    ),
]
