"""A token server of OAuth's client credentials on the loopback, and the tokens that it gave."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.peers.serving import serving

CLIENT, SECRET = "client-1234", "client secret 5678"


@dataclass
class TokenServer:
    """Where it is asked, and what it gave."""

    url: str = ""
    given: set[str] = field(default_factory=set)


@contextmanager
def running_token_server() -> Iterator[TokenServer]:
    """Serve for as long as the block runs."""
    state = TokenServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if _client_of(self.headers.get("Authorization", "")) != (CLIENT, SECRET):
                return self._answer(401, {"error": "invalid_client"})
            if asked.get("grant_type") != ["client_credentials"]:
                return self._answer(400, {"error": "unsupported_grant_type"})
            token = _make_token()
            state.given.add(token)
            answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
            return self._answer(200, answer)

        def _answer(self, status: int, answer: dict[str, object]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        state.url = f"http://127.0.0.1:{port}/oauth2/token"
        yield state


def _client_of(header: str) -> tuple[str, str]:
    kind, _, coded = header.partition(" ")
    if kind != "Basic":
        return "", ""
    client, _, secret = base64.b64decode(coded).decode().partition(":")
    return client, secret


def _make_token() -> str:
    """A JSON web token as the client wants to read it: nobody here checks its signature."""
    now = int(time.time())
    claims = {"sub": CLIENT, "iat": now, "exp": now + 3600, "jti": str(time.monotonic_ns())}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    coded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    ]
    return ".".join([*coded, "c2lnbmVk"])
