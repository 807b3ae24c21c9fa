"""A server that speaks the API of Hopskotch's archive, as far as it tells of retractions."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.peers.bson import bson
from tests.peers.serving import serving

PAGE = 2


@dataclass
class Archive:
    """What it holds: by topic, the id of each message and whether it is retracted."""

    url: str = ""
    topics: dict[str, dict[Any, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    raw: bytes | None = None

    def page(self, topic: str, number: int) -> bytes:
        """One page of a topic's messages, as BSON."""
        rows = list(self.topics.get(topic, {}).items())
        told = [
            {
                "metadata": {"topic": topic, "timestamp": 1_767_247_200_000},
                "annotations": {"con_text_uuid": name, "retracted": retracted, "size": 12},
            }
            for name, retracted in rows[number * PAGE :][:PAGE]
        ]
        more = {"next": json.dumps(number + 1)} if len(rows) > (number + 1) * PAGE else {}
        return bson({"messages": told, **more, "prev": None})


class Handler(BaseHTTPRequestHandler):
    """Answers from the archive of its server."""

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        archive: Archive = self.server.archive  # type: ignore[attr-defined]
        parts, query = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        archive.asked.append(self.path)
        is_known = parts.path.startswith("/topic/") and query.get("meta") == ["true"]
        topic = unquote(parts.path.removeprefix("/topic/"))
        body = archive.raw
        if body is None:
            body = archive.page(topic, int(query.get("page", ["0"])[0]))
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running_archive() -> Iterator[Archive]:
    """Run the server as long as the block runs."""
    archive = Archive()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.archive = archive  # type: ignore[attr-defined]
    with serving(server) as port:
        archive.url = f"http://127.0.0.1:{port}/"
        yield archive
