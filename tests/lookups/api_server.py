"""A server of brokers' APIs on this machine: recorded answers, and misbehaviour on order."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from tests.peers.serving import serving

# A mood: the answer comes byte by byte.
TRICKLE = b"[" + b"1, " * 2000 + b"1]"
Call = tuple[str, str, frozenset[tuple[str, str]], str]


@dataclass
class Api:
    """What is served, by method, host and path, query and body; and what was asked."""

    url: str = ""
    answers: dict[Call, tuple[int, bytes]] = field(default_factory=dict)
    moods: dict[str, Any] = field(default_factory=dict)  # by host
    asked: list[Call] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)  # headers

    def play(self, cassette: Path) -> None:
        """Serve the answers of a cassette."""
        for each in yaml.safe_load(cassette.read_text())["interactions"]:
            ask, answer = each["request"], each["response"]
            call = call_of(ask["method"], ask["uri"].partition("://")[2], ask["body"] or "")
            body = answer["body"]["string"]
            self.answers[call] = (
                answer["status"]["code"],
                body.encode() if isinstance(body, str) else body,
            )

    def serve(self, method: str, url: str, answer: Any, *, body: str = "") -> None:
        """Serve one answer as JSON."""
        self.answers[call_of(method, url, body)] = (200, json.dumps(answer).encode())


def call_of(method: str, url: str, body: str) -> Call:
    """What tells calls apart: JSON and forms are the same in any order of their fields."""
    parts = urlsplit(f"//{url}")
    try:
        told = json.dumps(json.loads(body), sort_keys=True)
    except ValueError:
        told = repr(sorted(parse_qsl(body)))
    return method, parts.netloc + parts.path, frozenset(parse_qsl(parts.query)), told


class Handler(BaseHTTPRequestHandler):
    """Answers what the API of its server holds, in the mood of the host that is meant."""

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self) -> None:
        api: Api = self.server.api  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        call = call_of(self.command, self.path.removeprefix("/"), body)
        api.asked.append(call)
        api.sent.append(dict(self.headers))
        status, payload = api.answers.get(call, (404, b"{}"))
        self.piece = 1 if api.moods.get(call[1].partition("/")[0]) is TRICKLE else 2**20
        self.reply(*_in_mood(api.moods.get(call[1].partition("/")[0]), status, payload))

    def reply(self, status: int, payload: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        for start in range(0, len(payload), self.piece):
            self.wfile.write(payload[start : start + self.piece])
            if self.piece == 1:
                time.sleep(0.05)

    do_GET = answer  # noqa: N815  as http.server calls them
    do_POST = answer  # noqa: N815


def _in_mood(mood: Any, status: int, payload: bytes) -> tuple[int, bytes, dict[str, str]]:
    match mood:
        case float():
            time.sleep(mood)
        case int():
            return mood, payload, {}
        case dict():
            return 429, payload, mood
        case bytes():
            return 200, mood, {}
    return status, payload, {}


@contextmanager
def running() -> Iterator[Api]:
    """Run the server as long as the block runs."""
    api = Api()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.api = api  # type: ignore[attr-defined]
    server.daemon_threads = True
    with serving(server) as port:
        api.url = f"http://127.0.0.1:{port}"
        yield api
