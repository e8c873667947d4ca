"""Driving the app: a server of its own, waiting with a deadline, and reading what a page shows."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Error, FloatRect, Locator, Page, TimeoutError

from bkn.store.home import store_path
from bkn.store.reader import Reader
from tests.patience import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
CHROMIUM = next(filter(None, map(shutil.which, (*NAMES, *MAC))), "chromium")
LINE = ".st-key-{} .js-plotly-plot .scatterlayer path.js-line"
EMPTY = 80_000  # bytes that every picture of a whole page exceeds; an empty one takes 20,000
PRESSES = 3  # of a link, at most
LAG = float(
    os.environ.get("BKN_SERVER_LAG", "0")
)  # seconds between a server's messages; 0: Streamlit's own few milliseconds
HEAR = """() => { window.heard = []; for (const what of ["pointerdown", "mouseup", "click"])
    addEventListener(what, event => window.heard.push(
        `${what} on ${event.target.outerHTML.slice(0, 60)} at ${event.clientX},${event.clientY}`),
        true); }"""
MEASURED: list[str] = []  # lines for the end of the test run


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
        until(lambda: any(row.state == "idle" for row in self.reader.workers()), "a worker")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


def serve(home: Path, lag: float = LAG, loses_orders: bool = False) -> Server:
    """Start the app on a free port and wait until it answers.

    Args:
        home: where it keeps its store.
        lag: seconds between its messages to a browser, as where all processors are busy.
        loses_orders: whether every second order to refresh a page is lost, as happens there too.
    """
    busy = ("tests.browser.lagging", str(lag), str(int(loses_orders)))
    streamlit = busy if lag or loses_orders else ("streamlit",)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", *streamlit, "run", "app/main.py"),
            *("--server.port", str(port), "--server.headless", "true"),
        ],
        cwd=ROOT,
        env=os.environ | {"BKN_HOME": str(home)},
        stdout=(home / "server.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    server = Server(process, f"http://127.0.0.1:{port}", home)
    until(lambda: healthy(server), "the server to answer")
    return server


def healthy(server: Server) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=PATIENCE) as answer:
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


def widget(page: Page, name: str) -> Locator:
    """The widget of a setting, in whatever turn it is (see app/widgets.py).

    For a moment the last turn's stands behind it.
    """
    return page.locator(f".st-key-{name}, [class*='st-key-{name}-']").first


def thumb(page: Page, name: str) -> Locator:
    """What the keyboard moves of a setting's slider."""
    return widget(page, name).locator("input[type=range]")


def status(page: Page) -> str:
    """The status line: "running · step 90 of 210 ..."."""
    return page.locator(".bkn-now").first.inner_text()


def step(page: Page) -> int:
    """The step that the page shows."""
    return int(status(page).split("step ")[1].split(" of")[0].replace(",", ""))


def wait_status(page: Page, word: str) -> None:
    until(lambda: status(page).startswith(word), f"status {word!r}")


def wait_rest(page: Page) -> None:
    """Wait until the recorded race has played to its end and nothing moves any more."""
    wait_status(page, "recorded race ·")


def while_replaying(page: Page, condition: Callable[[], object], what: str) -> None:
    """Wait for a condition while the recorded race plays, again and again if need be."""

    def look() -> object:
        if status(page).startswith("recorded race ·"):
            press(page, "replay")
            wait_status(page, "recorded race, playing")
        return condition()

    until(look, what)


def wait_said(page: Page, words: str | re.Pattern[str]) -> None:
    """Wait until the page says something."""
    page.get_by_text(words).first.wait_for()


def resting_box(locator: Locator) -> FloatRect:
    """Where an element is, once it stays there."""
    boxes: list[FloatRect | None] = [None]

    def rests() -> bool:
        boxes.append(locator.bounding_box())
        return boxes[-1] is not None and boxes[-1] == boxes[-2]

    until(rests, "an element to stay where it is")
    box = boxes[-1]
    assert box
    return box


def picture(page: Page, path: Path) -> None:
    """Keep a picture of a page that is whole, once it no longer changes."""
    taken = [b""]

    def settled() -> bool:
        taken.append(page.screenshot(path=path, animations="disabled"))
        return len(taken[-1]) > EMPTY and taken[-1] == taken[-2]

    until(settled, f"a picture of more than {EMPTY} bytes that stays the same")


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


def wait_line(page: Page, key: str) -> None:
    """Wait until a figure shows a line of the race in the address.

    The status line of a new race comes before its figures: for a moment they show the last one.
    """
    page.wait_for_function(
        """([key, race]) => {
          const plot = document.querySelector(`.st-key-${key} .js-plotly-plot`);
          return plot?.layout?.uirevision?.startsWith(race)
            && plot.querySelector(".scatterlayer path.js-line")?.getAttribute("d")?.includes("L");
        }""",
        arg=[key, race_id(page)],
    )


def wait_drawn(page: Page) -> None:
    """Wait until the server has said all it has to say for now."""
    page.locator(".stApp[data-test-script-state=notRunning]").wait_for()


def follow(page: Page, link: Locator) -> None:
    """Click a plain link until its page comes, then go to its address.

    That a browser follows a link is not ours to judge, and yet it is reported: on one machine such
    a click led nowhere twice, and nobody could see why.
    """
    href, query = link.evaluate("link => [link.href, link.search.slice(1)]")
    page.evaluate(HEAR)
    for _ in range(PRESSES):
        link.click()
        with suppress(TimeoutError):
            page.wait_for_url(re.compile(re.escape(query)), timeout=60_000, wait_until="commit")
            return
        measured(f"a click on {href} led nowhere; heard: {page.evaluate('window.heard')}")
    page.goto(href)


def account(page: Page) -> str:
    """What a page shows, in words: its address, whether it is being drawn, its text."""
    try:
        state = page.locator(".stApp").get_attribute("data-test-script-state", timeout=5000)
        text = page.locator("body").inner_text(timeout=5000)
    except Error as unreadable:  # a page that answers nobody is worth knowing, too
        return f"{page.url}: {unreadable}"
    return f"{page.url}, script {state}:\n" + re.sub(r"\n+", " | ", text)[:3000]


def telling(server: Server, page: Page) -> str:
    """What the server knows of the race that a page shows, and its own last words."""
    shown = re.search(r"run=(\w+)", page.url)
    race = server.reader.race(shown[1]) if shown else None
    known = "no race in the address"
    if race is not None:
        events = [f"{one.kind} after step {one.step}" for one in server.reader.events(race.id)]
        steps = [run.step for run in server.reader.runs(race.id)]
        known = f"race {race.id} {race.status}, steps {steps}: {', '.join(events)}"
    log = (server.home / "server.log").read_text(errors="replace")
    return f"{known}\nserver.log: {log[-3000:]}"


def measured(line: str) -> None:
    """Keep a figure for the end of the test run."""
    MEASURED.append(line)
