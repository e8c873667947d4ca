"""Real races in real worker processes: commands, limits, and every way to lose a worker."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from bkn.engine.supervisor import Refused, Supervisor
from bkn.experiment import Race
from bkn.store.errors import StoreError
from bkn.store.home import ROOT, checkpoint_path, log_path
from tests.engine.toy import lives
from tests.patience import assert_fast, seconds_until, until

SMALL = {"network_options": {"depth": 2, "width": 4}}
LONG = {**SMALL, "epochs": 1000}  # 21,000 steps: nobody waits for its end
ONE = Race.of(["batch"], **LONG)


def status(supervisor, race_id):
    return supervisor.reader.race(race_id).status


def step(supervisor, race_id):
    return max(run.step for run in supervisor.reader.runs(race_id))


def rows(supervisor, race_id, stream="train", position=0):
    return supervisor.reader.rows(supervisor.reader.runs(race_id)[position].id, stream)


def kinds(supervisor, race_id):
    return [event.kind for event in supervisor.reader.events(race_id)]


def until_status(supervisor, race_id, wanted):
    until(lambda: status(supervisor, race_id) == wanted, f"status {wanted}")


def seconds_until_status(supervisor, race_id, wanted):
    return seconds_until(lambda: status(supervisor, race_id) == wanted, f"status {wanted}")


def until_step(supervisor, race_id, wanted):
    until(lambda: step(supervisor, race_id) >= wanted, f"step {wanted}")


def worker_of(supervisor, race_id):
    owner = supervisor.reader.race(race_id).worker
    return next(w for w in supervisor._workers if w.id == owner)


def test_a_warm_worker_starts_at_once_and_the_race_comes_to_its_end(supervisor):
    supervisor.warm()
    until(lambda: supervisor.ready, "a warm worker")
    race_id = supervisor.start(Race.of(["batch", "kalman"], epochs=1, **SMALL))
    seconds = seconds_until(lambda: len(rows(supervisor, race_id)), "the first row")
    assert_fast("start to first row, warm", seconds, 1.0)  # 0.1 s where nothing else runs
    until_status(supervisor, race_id, "finished")
    for run in supervisor.reader.runs(race_id):
        assert run.step == run.summary["steps"] == 21
        assert 0.0 <= run.summary["test_accuracy"] <= 1.0
    with pytest.raises(ValueError, match=r"is over \(finished\)"):
        supervisor.send(race_id, "pause")
    with pytest.raises(ValueError, match="is finished; only races that are interrupted"):
        supervisor.resume(race_id)
    until(lambda: not any(w.race_id for w in supervisor._workers), "its worker to end")


def test_commands(supervisor):
    race_id = supervisor.start(Race.of(["batch", "kalman"], **LONG), paused=True)
    until_status(supervisor, race_id, "paused")
    supervisor.send(race_id, "step")
    until_step(supervisor, race_id, 1)
    supervisor.send(race_id, "step")
    until_step(supervisor, race_id, 2)
    supervisor.send(race_id, "lr", value=0.2)
    supervisor.send(race_id, "micro_batch", value=16)
    supervisor.send(race_id, "gain", value=0.5)
    until(lambda: "gain" in kinds(supervisor, race_id), "the gain's event")
    assert kinds(supervisor, race_id) == ["step", "step", "lr", "micro_batch", "gain"]
    assert status(supervisor, race_id) == "paused"
    assert rows(supervisor, race_id).step.tolist() == [1, 2]

    supervisor.send(race_id, "speed", value=50)
    supervisor.send(race_id, "resume")
    until_step(supervisor, race_id, 40)
    assert status(supervisor, race_id) == "running"
    limited = rows(supervisor, race_id)
    steps, seconds = limited.step[-1] - limited.step[2], limited.time[-1] - limited.time[2]
    assert steps / seconds < 55

    supervisor.send(race_id, "speed", value=None)
    supervisor.send(race_id, "pause")
    until_status(supervisor, race_id, "paused")
    paused_at = step(supervisor, race_id)
    supervisor.send(race_id, "step")
    until_step(supervisor, race_id, paused_at + 1)
    exact = rows(supervisor, race_id).step
    assert exact[-1] - paused_at >= 1
    supervisor.send(race_id, "stop")
    until_status(supervisor, race_id, "stopped")
    assert rows(supervisor, race_id).step[-1] == exact[-1]

    supervisor.send(race_id, "resume")  # stopped races may go on too
    until(lambda: step(supervisor, race_id) > exact[-1] + 5, "more steps")


def test_wrong_commands_are_refused_in_words(supervisor):
    race_id = supervisor.start(ONE, speed=1.0)
    for command, value, words in [
        ("lr", {"value": -1}, "lr must be a number"),
        ("micro_batch", {"value": 3}, "micro_batch must divide batch=64, got 3"),
        ("gain", {"value": 0.5}, "unknown command 'gain'"),
        ("pause", {"value": 1}, "takes no value"),
    ]:
        with pytest.raises(ValueError, match=words):
            supervisor.send(race_id, command, **value)
    with pytest.raises(ValueError, match="there is no race 'nobody'"):
        supervisor.send("nobody", "pause")
    with pytest.raises(ValueError, match="only races that are interrupted or stopped"):
        supervisor.resume(race_id)


def test_no_more_races_than_allowed(supervise):
    supervisor = supervise(max_races=1)
    race_id = supervisor.start(ONE, speed=5.0)
    with pytest.raises(Refused, match=r"1 races are running.*BKN_MAX_RACES=1.*stop one"):
        supervisor.start(ONE)
    assert len(supervisor.reader.races()) == 1
    until_step(supervisor, race_id, 1)
    supervisor.send(race_id, "stop")
    until_status(supervisor, race_id, "stopped")
    assert supervisor.start(ONE)


def test_a_killed_worker_loses_little_and_the_race_goes_on_as_if_nothing_had_been(supervisor):
    race = Race.of(["batch", "kalman"], epochs=20, **SMALL)  # 420 steps
    killed, spared = supervisor.start(race, speed=20.0), supervisor.start(race, speed=300.0)
    first = until(lambda: rows(supervisor, killed), "the first row")
    began = time.monotonic() - first.time[0]
    until(lambda: supervisor.reader.race(killed).checkpoint, "a checkpoint")
    saved = supervisor.reader.race(killed).checkpoint
    until_step(supervisor, killed, saved + 10)
    worker_of(supervisor, killed).process.send_signal(signal.SIGKILL)
    lasted = time.monotonic() - began
    noticed = seconds_until_status(supervisor, killed, "interrupted")
    assert_fast("a killed worker noticed", noticed, 5.0, most=50.0)
    lost = lasted - rows(supervisor, killed).time[-1]
    assert_fast("telemetry lost", lost, 1.0, most=10.0)
    for run in supervisor.reader.runs(killed):
        assert run.message.startswith("The worker was killed (signal 9). It can be resumed from")

    supervisor.resume(killed)
    until_status(supervisor, killed, "finished")
    until_status(supervisor, spared, "finished")
    assert "resumed" in kinds(supervisor, killed)
    for one, other in zip(
        supervisor.reader.runs(killed), supervisor.reader.runs(spared), strict=True
    ):
        assert one.message == ""
        for figure in ("test_loss", "test_accuracy", "steps"):
            assert one.summary[figure] == other.summary[figure]
        mine, theirs = (supervisor.reader.rows(run.id, "test") for run in (one, other))
        assert mine.step.tolist() == theirs.step.tolist()
        np.testing.assert_array_equal(mine.values, theirs.values)


def test_a_worker_killed_too_early_fails_the_race(supervisor):
    race_id = supervisor.start(ONE)
    worker_of(supervisor, race_id).process.send_signal(signal.SIGKILL)
    noticed = seconds_until_status(supervisor, race_id, "failed")
    assert_fast("a killed worker noticed", noticed, 5.0, most=50.0)
    assert supervisor.reader.runs(race_id)[0].message == (
        "The worker was killed (signal 9). There is no checkpoint to continue from."
    )
    with pytest.raises(ValueError, match="is failed; only races"):
        supervisor.resume(race_id)


def test_a_worker_that_hangs_is_ended(supervisor):
    race_id = supervisor.start(ONE, speed=50.0)
    until(lambda: supervisor.reader.race(race_id).checkpoint, "a checkpoint")
    worker = worker_of(supervisor, race_id)
    worker.process.send_signal(signal.SIGSTOP)
    noticed = seconds_until_status(supervisor, race_id, "interrupted")
    assert_fast("a hanging worker ended", noticed, 8.0, most=60.0)
    assert "no sign of life for 5 seconds" in supervisor.reader.runs(race_id)[0].message
    assert not lives(worker.pid)


def test_a_diverging_rate_ends_its_runs_with_the_step(supervisor):
    race_id = supervisor.start(Race.of(["none", "group"], lr=1e5, epochs=2, **SMALL))
    until(lambda: not supervisor.reader.race(race_id).active, "the end")
    wild, tame = supervisor.reader.runs(race_id)
    assert wild.status == "diverged"
    assert f"at step {wild.step + 1}" in wild.message or f"at step {wild.step}" in wild.message
    assert tame.status in ("finished", "diverged")


def test_close_ends_a_worker_even_in_the_middle_of_a_long_step(supervise):
    supervisor = supervise()
    heavy = Race.of(
        ["batch"], network="resnet", network_options={"n": 9, "width": 128}, batch=1024,
        micro_batch=1024,
    )  # fmt: skip
    busy, paused = supervisor.start(heavy), supervisor.start(ONE, paused=True)
    until_status(supervisor, busy, "running")
    until_status(supervisor, paused, "paused")
    pids = [worker.pid for worker in supervisor._workers]
    began = time.monotonic()
    supervisor.close()
    assert_fast("all workers ended", time.monotonic() - began, 4.0, most=50.0)
    assert not any(lives(pid) for pid in pids)
    runs = supervisor.reader.runs(busy) + supervisor.reader.runs(paused)
    assert [run.status for run in runs] == ["failed", "interrupted"]
    assert all("The server that ran it ended." in run.message for run in runs)
    with pytest.raises(Refused, match="shutting down"):
        supervisor.start(ONE)


SERVER = """
import sys, threading
from pathlib import Path
from bkn.engine.supervisor import Supervisor
from bkn.experiment import Race

supervisor = Supervisor(Path(sys.argv[1]))
supervisor.warm()
race = Race.from_json(sys.argv[2])
first, second = supervisor.start(race, speed=50.0), supervisor.start(race, paused=True)
print(first, second, *(worker.pid for worker in supervisor._workers), flush=True)
threading.Event().wait()
"""


@pytest.fixture
def server(tmp_path):
    """A server process of two races; yields the process, race ids and workers' pids."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path / "home"), ONE.to_json()],
        stdout=subprocess.PIPE, cwd=ROOT, text=True,
    )  # fmt: skip
    first, second, *pids = process.stdout.readline().split()
    pids = [int(pid) for pid in pids]
    yield process, [first, second], pids
    process.stdout.close()
    process.kill()
    process.wait()
    for pid in filter(lives, pids):
        os.kill(pid, signal.SIGKILL)


def test_a_killed_server_leaves_no_worker_and_its_races_can_go_on(server, supervise):
    process, races, pids = server
    watcher = supervise()  # a second server on the same store leaves them alone
    for race_id in races:
        until(lambda race_id=race_id: watcher.reader.race(race_id).pid, "its worker")
    until(lambda: watcher.reader.race(races[0]).checkpoint, "a checkpoint")
    until_status(watcher, races[1], "paused")
    assert status(watcher, races[0]) == "running"
    with pytest.raises(ValueError, match="looked after by another server"):
        watcher.send(races[0], "pause")
    watcher.close()
    process.kill()
    process.wait()
    seconds = seconds_until(lambda: not any(map(lives, pids)), "the workers to end")
    assert_fast("kill -9 of the server to no worker left", seconds, 3.0, most=50.0)
    successor = supervise()
    assert [status(successor, race_id) for race_id in races] == ["interrupted"] * 2
    before = step(successor, races[0])
    successor.send(races[0], "resume")
    until_step(successor, races[0], before + 5)


def test_races_of_a_server_and_workers_killed_together_are_closed_at_the_next_start(
    server, supervise, tmp_path
):
    process, races, pids = server
    reader = supervise().reader
    until(lambda: reader.race(races[0]).checkpoint, "a checkpoint")
    process.kill()
    process.wait()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(lives, pids)), "their end")
    successor = supervise()
    seconds = seconds_until(lambda: not successor.reader.active_races(), "the races to be closed")
    assert_fast("races without a server closed", seconds, 8.0, most=60.0)
    assert status(successor, races[0]) == "interrupted"
    assert checkpoint_path(tmp_path / "home", races[0]).exists()


def test_a_worker_that_cannot_start_is_told_with_its_last_words(supervisor, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    race_id = supervisor.start(ONE)
    until_status(supervisor, race_id, "failed")
    assert "ended (exit code 1)" in supervisor.reader.runs(race_id)[0].message
    assert list(log_path(supervisor.home, "x").parent.iterdir())  # kept, to be read


def test_a_damaged_store_is_told_in_words(tmp_path):
    (tmp_path / "runs.db").write_bytes(b"no database at all " * 300)
    with pytest.raises(StoreError, match=r"damaged.*move the file away"):
        Supervisor(tmp_path)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_the_limit_in_the_environment_is_checked(tmp_path, monkeypatch, text):
    monkeypatch.setenv("BKN_MAX_RACES", text)
    with pytest.raises(ValueError, match="BKN_MAX_RACES must be a whole number above 0"):
        Supervisor(tmp_path)
