"""Faults in how speeds are judged on slow machines, and slowness that no machine excuses."""

from tests.faults import Fault

PATIENCE = "tests/patience.py"
TESTS = "tests/test_patience.py"

FAULTS = [
    Fault(
        PATIENCE,
        "min(MARGIN * slow * limit, most)",
        "MARGIN * slow * limit",
        f"{TESTS}::test_a_minute_is_too_long_on_any_machine",
        "a slow machine excuses any slowness",
    ),
    Fault(
        PATIENCE,
        "    assert seconds <= allowed, words",
        "    assert seconds <= allowed * 10, words",
        f"{TESTS}::test_and_no_more",
        "what is too slow passes",
    ),
    Fault(
        PATIENCE,
        "    if seconds <= limit:",
        "    if seconds < 0:",
        f"{TESTS}::test_what_keeps_its_limit_is_not_judged_by_the_machine",
        "the yardstick is taken where nobody needs it",
    ),
    Fault(
        "bkn/engine/supervisor.py",
        "LOOK_EVERY = 0.25",
        "LOOK_EVERY = 60.0",
        "tests/engine/test_supervisor.py::test_a_worker_killed_too_early_fails_the_race",
        "a killed worker is noticed after a minute",
    ),
]
