"""Faults in the Race page's buttons: what a click does that the browser sends twice."""

from tests.faults import Fault

PAGE, LAYERS = "tests/app/test_race_transport.py", "tests/app/test_layers_timeline.py"

FAULTS = [
    Fault(
        "app/transport.py",
        '    if view.status == "queued" and view.mine and view.race == wanted.race:',
        "    if False:",
        f"{PAGE}::test_a_click_on_start_that_comes_twice_starts_one_race",
        "a click that comes twice starts two races",
    ),
    Fault(
        "app/transport.py",
        '    if view.status == "queued" and view.mine and view.race == wanted.race:',
        '    if view.status == "queued" and view.mine:',
        f"{PAGE}::test_a_click_on_start_that_comes_twice_starts_one_race",
        "another race cannot be started while one is queued",
    ),
    Fault(
        "app/transport.py",
        'button("Resume", "go_on",',
        'button("Resume", "pause",',
        f"{PAGE}::test_the_transport_row_commands_the_race",
        "Pause becomes Resume under the second half of a click",
    ),
    Fault(
        "app/lab.py",
        '        if command in ("pause", "resume") and self._done(race_id, command, before):',
        '        if command == "pause" and self._done(race_id, command, before):',
        f"{PAGE}::test_a_race_that_pauses_or_runs_is_not_told_so_again",
        "a race that runs is resumed once more",
    ),
    Fault(
        "app/layers/controls.py",
        "    if PLAYING in state:",
        "    if state.pop(PLAYING, None):",
        f"{LAYERS}::test_play_and_pause_that_come_twice_change_nothing_more",
        "a second half of a click on Play stops the play",
    ),
]
