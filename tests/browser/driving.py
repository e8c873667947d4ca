"""Driving the app: a server of its own, waiting with a deadline, and reading what a page shows."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from bkn.store.home import store_path
from bkn.store.reader import Reader

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
CHROMIUM = next(filter(None, map(shutil.which, (*NAMES, *MAC))), "chromium")
LINE = ".st-key-{} .js-plotly-plot .scatterlayer path.js-line"
MEASURED: list[str] = []  # lines for the end of the test run


def until(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Wait for a condition; returns the seconds it took, fails in words after the deadline."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"waited {seconds} s for {what}"
        time.sleep(0.02)
    return time.monotonic() - began


@dataclass
class Server:
    """A running app with a store of its own."""

    process: subprocess.Popen
    url: str
    home: Path

    @property
    def reader(self) -> Reader:
        return Reader(store_path(self.home))

    def worker_pids(self) -> list[int]:
        return [row.pid for row in self.reader.workers()]

    def warm(self) -> None:
        """Wait until a worker is ready."""
        until(lambda: any(row.state == "idle" for row in self.reader.workers()), 30, "a worker")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def serve(home: Path) -> Server:
    """Start the app on a free port and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "app/main.py"),
            *("--server.port", str(port), "--server.headless", "true"),
        ],
        cwd=ROOT,
        env=os.environ | {"BKN_HOME": str(home)},
        stdout=(home / "server.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    server = Server(process, f"http://127.0.0.1:{port}", home)
    until(lambda: healthy(server), 30, "the server to answer")
    return server


def healthy(server: Server) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def press(page: Page, key: str) -> None:
    page.locator(f".st-key-{key} button").first.click()


def status(page: Page) -> str:
    """The status line: "running · step 90 of 210 ..."."""
    return page.locator(".bkn-now").first.inner_text()


def step(page: Page) -> int:
    """The step that the page shows."""
    return int(status(page).split("step ")[1].split(" of")[0].replace(",", ""))


def wait_status(page: Page, word: str, seconds: float = 20) -> None:
    until(lambda: status(page).startswith(word), seconds, f"status {word!r}")


def wait_said(page: Page, words: str, seconds: float = 10) -> None:
    """Wait until the page says something."""
    page.get_by_text(words).first.wait_for(timeout=1000 * seconds)


def race_id(page: Page) -> str:
    """The race in the address."""
    page.wait_for_function("location.search.includes('run=')")
    return address(page).split("run=")[1].split("&")[0]


def address(page: Page) -> str:
    """The query of the address bar now; `page.url` lags behind."""
    return page.evaluate("location.search")


def drawn(page: Page, key: str) -> str:
    """The path of a figure's first line, "" before there is one."""
    lines = page.locator(LINE.format(key))
    return (lines.first.get_attribute("d") or "") if lines.count() else ""


def measured(line: str) -> None:
    """Keep a figure for the end of the test run."""
    MEASURED.append(line)
