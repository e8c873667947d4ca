"""Who counts as hung: a worker that races has less patience to expect than one that starts."""

from types import SimpleNamespace

import pytest

from bkn.engine import monitor
from bkn.store.writer import Writer


class Silent:
    """A living worker process that has said nothing for some seconds."""

    id, alive, hung = "w", True, 0.0

    def __init__(self, seconds, own_beat=True):
        self.seconds, self.own_beat, self.killed = seconds, own_beat, False
        self.process = SimpleNamespace(kill=self.kill, wait=lambda: None)

    def kill(self):
        self.killed = True

    def has_beaten(self, beat):
        return self.own_beat

    def silent_for(self, beat):
        return self.seconds


@pytest.mark.parametrize(
    ("state", "own_beat", "seconds", "killed"),
    [
        ("racing", True, 4.9, False),
        ("racing", True, 5.1, True),
        ("starting", True, 29.0, False),
        ("starting", True, 31.0, True),
        ("racing", False, 29.0, False),
    ],
)
def test_only_a_worker_that_starts_may_be_silent_for_long(
    tmp_path, state, own_beat, seconds, killed
):
    with Writer(tmp_path / "runs.db") as writer, writer.transaction():
        writer.beat("w", 1, state)
    worker = Silent(seconds, own_beat)
    monitor.kill_if_hung(worker, monitor.Reader(tmp_path / "runs.db"))
    assert worker.killed is killed
    if killed:
        worker.process.returncode = -9
        limit = 5 if state == "racing" else 30
        assert f"no sign of life for {limit} seconds" in monitor.epitaph(worker)
