"""A real server and a real Chromium for the tests of the pages."""

import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.driving import CHROMIUM, MEASURED, Server, account, alive, serve, telling
from tests.patience import PATIENCE, until

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGES = pytest.StashKey[list[Page]]()  # those that a test has opened
SLOWDOWN = float(os.environ.get("BKN_BROWSER_SLOWDOWN", "1"))  # how many times slower pages run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Say what the pages of a failed test show: where it failed, nobody may be able to look."""
    report = yield
    if report.when == "call" and report.failed:
        served = [one for one in item.funcargs.values() if isinstance(one, Server)]
        for page in item.stash.get(PAGES, []):
            report.sections.append(("what the page shows", account(page)))
            for server in served:
                report.sections.append(("what the server knows", telling(server, page)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MEASURED:
        terminalreporter.section("measured in the browser")
        for line in MEASURED:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not kill it."""
    server = serve(tmp_path_factory.mktemp("home"))
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server; races that a test leaves running are ended for the next one."""
    yield shared_server
    for row in shared_server.reader.active_races():
        if row.job is None:  # a job's owner is the server itself
            end_race(shared_server, row.id)


def end_race(server: Server, race_id: str) -> None:
    """Kill the worker of a race, as nobody is there to press Stop, and wait for the notice."""

    def over() -> bool:
        row = server.reader.race(race_id)
        if row.active and row.pid is not None and alive(row.pid):  # a cold one has no pid at first
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(row.pid, signal.SIGKILL)
        return not row.active

    until(over, "the race to be over")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test, to be killed at will."""
    server = serve(tmp_path)
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=list(QUIET), timeout=1000 * PATIENCE
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open an address as a new visitor; any JavaScript error fails the test."""
    contexts, errors = [], []
    pages = request.node.stash.setdefault(PAGES, [])

    def visit(
        url: str,
        scheme: str = "light",
        width: int = 1280,
        height: int = 1100,
        ready: str = ".bkn-card",
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        pages.append(page)
        if SLOWDOWN > 1:
            rate = {"rate": SLOWDOWN}
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", rate)
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        page.locator(ready).first.wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not errors
