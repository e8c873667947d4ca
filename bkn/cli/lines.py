"""How a command talks to the program that started it: JSON lines, until its stdin ends."""

import json
import os
import sys
import threading


def say_line(**what: object) -> None:
    """One thing that happened, as a line of JSON."""
    print(json.dumps(what), flush=True)


def end_with_stdin() -> None:
    """End this process when its stdin ends: whoever started it is gone."""
    threading.Thread(target=_end, daemon=True).start()


def _end() -> None:
    while os.read(sys.stdin.fileno(), 4096):  # sys.stdin has a lock that a farewell would miss
        pass
    os._exit(3)
