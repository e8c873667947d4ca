"""A web server on this machine that gives files, and fails in the ways that servers do."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Site:
    """What is served, how, and what was asked for."""

    folder: Path
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)  # path, range
    statuses: list[int] = field(default_factory=list)  # of the next answers; then 200
    breaks: list[int] = field(default_factory=list)  # bytes after which the next ones break off
    resumes: bool = True  # whether ranges are understood
    damage: int = 0  # so many next answers have a wrong byte in the middle
    waits: int = 0  # bytes after which answers wait for `go`; 0: they never do
    go: threading.Event = field(default_factory=threading.Event)
    sent: int = 0  # bytes

    def names(self) -> list[str]:
        """Files that were asked for, in order."""
        return [path.rpartition("/")[2] for path, _ in self.asked]


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site, wanted = self.site, self.headers.get("Range", "")
        site.asked.append((self.path, wanted))
        status = site.statuses.pop(0) if site.statuses else 200
        file = site.folder / self.path.lstrip("/")
        if status != 200 or not file.is_file():
            self.send_error(status if status != 200 else 404)
            return
        body = bytearray(file.read_bytes())
        if site.damage:
            site.damage -= 1
            body[len(body) // 2] ^= 1
        begin = int(re.sub(r"\D", "", wanted) or 0) if site.resumes else 0
        if begin > len(body):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        rest = bytes(body[begin:])
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.send_body(rest)

    def send_body(self, rest: bytes) -> None:
        site = self.site
        if site.breaks:
            rest = rest[: site.breaks.pop(0)]
        if site.waits and not site.go.is_set():
            self.push(rest[: site.waits])
            site.go.wait()
            rest = rest[site.waits :]
        self.push(rest)

    def push(self, part: bytes) -> None:
        self.wfile.write(part)
        self.wfile.flush()
        self.site.sent += len(part)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """Serve a folder on a free port of this machine."""
    site = Site(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"site": site}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # whoever asked may be gone
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield site
    finally:
        site.go.set()
        server.shutdown()
        thread.join()
        server.server_close()
