"""The local executor: as many processes as there are GPUs, or cores but one."""

import os
import subprocess
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from bkn.engine.executor import LOST, News
from bkn.engine.job_process import JobProcess
from bkn.engine.job_worker import ALIVE, OVER
from bkn.sweep import Job

CLOSE_WITHIN = 2.0  # seconds for processes to end by themselves
LOOK_EVERY = 1.0  # seconds between looks whether a process hangs, at the most

Heard = tuple[JobProcess, dict[str, Any] | None]


class LocalExecutor:
    """Trains jobs in processes of this machine, one job at a time in each.

    A process is started when it is first needed, and kept for the next job.

    Args:
        home: folder of the logs.
        slots: jobs at a time; BKN_SWEEP_JOBS, or one per GPU, or else cores but one.

    Raises:
        ValueError: for slots below 1, or if BKN_SWEEP_JOBS is no whole number above 0.
    """

    def __init__(self, home: Path, slots: int | None = None):
        self.home, self.gpus = Path(home), visible_gpus()
        self.slots = default_slots(self.gpus) if slots is None else slots
        if self.slots < 1:
            raise ValueError(f"jobs at a time must be at least 1, got {slots}")
        self._processes: list[JobProcess | None] = [None] * self.slots
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._news: list[News] = []  # that no process had to say

    def submit(self, job: Job) -> None:
        self._give("train", job)

    def time(self, job: Job) -> None:
        self._give("time", job)

    def poll(self, timeout: float) -> list[News]:
        deadline = time.monotonic() + timeout
        for process in filter(None, self._processes):
            process.end_if_hung()
        news, self._news = self._news, []
        while not news:
            try:
                news += self._hear(*self._heard.get(timeout=max(0.0, deadline - time.monotonic())))
            except Empty:
                return []
        while not self._heard.empty():
            news += self._hear(*self._heard.get())
        return news

    def cancel(self, job_id: str) -> None:
        for slot, process in enumerate(self._processes):
            if process is not None and process.job_id == job_id:
                self._processes[slot] = None
                process.process.kill()
                process.end()

    def close(self) -> None:
        processes = [process for process in self._processes if process is not None]
        self._processes = [None] * self.slots
        for process in processes:
            process.hang_up()
        deadline = time.monotonic() + CLOSE_WITHIN
        for process in processes:
            process.end(deadline - time.monotonic())

    def _give(self, do: str, job: Job) -> None:
        held = self._processes
        free = [slot for slot in range(self.slots) if not (one := held[slot]) or not one.job_id]
        if not free:
            raise ValueError(f"all {self.slots} slots are taken")
        slot = next((slot for slot in free if held[slot]), free[0])
        try:
            process = held[slot] or JobProcess(self.home, self._put, self._gpu_of(slot))
        except OSError as error:
            why = f"No process can be started now: {error}."
            self._news.append(News(job.id, LOST, message=why))
            return
        held[slot] = process
        process.give(do, job)

    def _gpu_of(self, slot: int) -> str | None:
        return self.gpus[slot % len(self.gpus)] if self.gpus else None

    def _put(self, process: JobProcess, line: dict[str, Any] | None) -> None:
        self._heard.put((process, line))

    def _hear(self, process: JobProcess, line: dict[str, Any] | None) -> list[News]:
        """What a line of a process means."""
        if process not in self._processes:
            return []  # it was cancelled
        if line is None or "last" in line:
            self._processes[self._processes.index(process)] = None
            process.hang_up()
        if line is None:
            lost = News(process.job_id, LOST, message=process.epitaph())
            return [lost] if process.job_id else []
        if line["kind"] in OVER:
            process.job_id = ""
        if line["kind"] == ALIVE:
            return []
        return [News(line["job"], line["kind"], line["told"], line["message"])]


def default_slots(gpus: list[str]) -> int:
    """BKN_SWEEP_JOBS, or one per GPU, or cores but one, which the page needs.

    Raises:
        ValueError: if BKN_SWEEP_JOBS is no whole number above 0.
    """
    text = os.environ.get("BKN_SWEEP_JOBS", "").strip()
    if text and (not text.isdecimal() or int(text) < 1):
        raise ValueError(f"BKN_SWEEP_JOBS must be a whole number above 0, got {text!r}")
    return int(text) if text else len(gpus) or max(1, cores() - 1)


def cores() -> int:
    """Cores that this process may use."""
    mine = hasattr(os, "sched_getaffinity")  # Linux tells
    return len(os.sched_getaffinity(0)) if mine else os.cpu_count() or 1


def visible_gpus() -> list[str]:
    """NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them. No torch."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        named = [name.strip() for name in given.split(",")]
        return [name for name in named if name and name != "-1"]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10.0, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []  # no driver, no GPU
    found = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return [str(number) for number in range(len(found))]
