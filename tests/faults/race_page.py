"""Faults in the Race page's buttons and its refreshes, on a machine that is busy."""

from tests.faults import Fault

PAGE, LAYERS = "tests/app/test_race_transport.py", "tests/app/test_layers_timeline.py"
PULSE = "tests/app/test_pulse.py"

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
    Fault(
        "app/watch.py",
        "        pulse.beat(tick)",
        "        pulse.beat(None)",
        f"{PULSE}::test_the_browser_knows_how_long_to_wait[0.4-8.0]",
        "a browser does not notice that refreshes stay away",
    ),
    Fault(
        "app/watch.py",
        "        if pulse.missed():",
        "        if False:",
        f"{PULSE}::test_where_refreshes_stay_away_the_whole_page_is_drawn_anew",
        "a page that has lost its refreshes stays as it is",
    ),
    Fault(
        "app/pulse.py",
        "0.0 if tick is None else time.monotonic()",
        "0.0",
        f"{PULSE}::test_every_refresh_is_a_sign_and_a_page_at_rest_gives_none",
        "a page that is refreshed passes for one that is not",
    ),
]
