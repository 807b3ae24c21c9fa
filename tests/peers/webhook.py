"""An HTTP server that keeps what is posted to it , and can refuse, cut or fall silent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from tests.peers.serving import serving


@dataclass
class Webhook:
    """What arrived, and how to answer: a `status`, or `cut` the connection without one."""

    url: str = ""
    status: int = 200
    cut: bool = False
    silent_seconds: float = 0
    posts: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def running_webhook() -> Iterator[Webhook]:
    """A webhook on a free port of the loopback for as long as the block runs."""
    hook = Webhook()

    class Handler(_Handler):
        webhook = hook

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        hook.url = f"http://127.0.0.1:{port}/services/T0/B0/secret"
        try:
            yield hook
        finally:
            hook.over.set()


class _Handler(BaseHTTPRequestHandler):
    webhook: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_form = "form" in self.headers["Content-Type"]
        self.webhook.posts.append(dict(parse_qsl(body.decode())) if is_form else json.loads(body))
        self.webhook.headers.append(dict(self.headers))
        self.webhook.over.wait(self.webhook.silent_seconds)
        if self.webhook.cut:
            self.close_connection = True
            return
        self.send_response(self.webhook.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""
