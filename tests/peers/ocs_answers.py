"""An HTTP server that answers as a portal in trouble does: to each call what the test says."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.peers.serving import serving


@dataclass
class Trouble:
    """How to answer, and what was asked."""

    url: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    bodies: dict[str, bytes] = field(default_factory=dict)  # of paths that begin so
    missing_bytes: int = 0  # promised and never sent
    drop: bool = False  # close the connection without a word
    seconds_between_bytes: float = 0
    meanwhile: Callable[[], None] = lambda: None  # what happens while we wait for an answer
    calls: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def say(self, status: int, body: Any = None, **headers: str) -> None:
        """Answer so from now on; `retry_after="7"` is the header Retry-After."""
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {name.replace("_", "-").title(): said for name, said in headers.items()}


@contextmanager
def portal_in_trouble() -> Iterator[Trouble]:
    """A server on a free port of the loopback for as long as the block runs."""
    trouble = Trouble()

    class Handler(_Handler):
        how = trouble

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        trouble.url = f"http://127.0.0.1:{port}"
        try:
            yield trouble
        finally:
            trouble.over.set()


class _Handler(BaseHTTPRequestHandler):
    how: Trouble

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self._answer()

    def _answer(self) -> None:
        self.how.calls.append((self.command, self.path))
        self.how.meanwhile()
        if self.how.drop:
            self.close_connection = True
            return
        self.send_response(self.how.status)
        for name, said in self.how.headers.items():
            self.send_header(name, said)
        others = (self.how.bodies[each] for each in self.how.bodies if self.path.startswith(each))
        body = next(others, self.how.body)
        self.send_header("Content-Length", str(len(body) + self.how.missing_bytes))
        self.end_headers()
        if not self.how.seconds_between_bytes:
            self.wfile.write(body)
            return
        for byte in body:
            if self.how.over.wait(self.how.seconds_between_bytes):
                return
            self.wfile.write(bytes([byte]))

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""
