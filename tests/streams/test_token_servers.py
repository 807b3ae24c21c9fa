"""What a running stream says of a token server that is silent, broken, or refuses the client."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.factories import make_credential, make_stream
from tests.peers.kafka import KafkaPeer
from tests.peers.serving import serving
from tests.peers.tokens import CLIENT, SECRET, running_token_server
from tests.streams.quiet import listening, wait_for
from tom.streams.models import Stream, StreamHealth
from tom.streams.probing import OAUTH_SILENT

pytestmark = [pytest.mark.kafka, pytest.mark.django_db(transaction=True)]
LONGEST_SECONDS = 15
NO_TOKEN = "the token server gives no token: "


def stream_with(kafka: KafkaPeer, url: str, *, secret: str = SECRET) -> Stream:
    credential = make_credential(
        host="localhost", mechanism="OAUTHBEARER", token_url=url, username=CLIENT, secret=secret
    )
    authority = kafka.ca_file.read_text()
    return make_stream(
        topics=["x"], address=kafka.address, authority=authority, credential=credential, active=True
    )


def said_in_time(stream: Stream) -> str:
    """What a running stream's page says, once it says anything."""
    rows = StreamHealth.objects.filter(topic="x", connected=False).exclude(
        detail__in=["", "starting"]
    )
    begun = time.monotonic()
    with listening(stream):
        wait_for(rows.exists)
        assert time.monotonic() - begun < LONGEST_SECONDS
        return str(rows.values_list("detail", flat=True)[0])


def test_a_silent_token_server_is_said(kafka: KafkaPeer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
        assert said_in_time(stream_with(kafka, url)) == OAUTH_SILENT


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"<html>Log in</html>")])
def test_a_token_server_that_gives_no_token_is_said(
    kafka: KafkaPeer, status: int, body: bytes
) -> None:
    with answering(status, body) as url:
        assert NO_TOKEN in said_in_time(stream_with(kafka, url))


def test_a_token_server_that_refuses_the_client_is_said(kafka: KafkaPeer) -> None:
    with running_token_server() as server:
        said = said_in_time(stream_with(kafka, server.url, secret="another"))

    assert said.startswith("the token server refuses the client: correct the client's id")


def test_a_token_server_that_is_not_there_is_said(kafka: KafkaPeer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    assert said_in_time(stream_with(kafka, f"http://127.0.0.1:{port}/")).startswith(NO_TOKEN)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """The address of a server that answers everything so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}/token"
