"""A request that names another charset than UTF-8 is refused before Django reads it."""

import asyncio

import pytest
from django.core.asgi import get_asgi_application

from tom.web.charset import Utf8Only


def ask(content_type: bytes) -> int:
    """Ask for a page that is not there, its query in that charset; return the status."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/favicon.ico",
        "query_string": b"q=%C3%A9",
        "headers": [(b"host", b"testserver"), (b"content-type", content_type)],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 9),
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(Utf8Only(answer)(scope, receive, send))
    return sent[0]["status"]


async def answer(scope, receive, send):
    """Read the request as Django does."""
    request, _ = get_asgi_application().create_request(scope, None)
    assert request.GET["q"] == "\xe9"
    await send({"type": "http.response.start", "status": 200, "headers": []})


@pytest.mark.parametrize(
    "content_type",
    [
        b"text/plain",
        b"application/json; charset=utf-8",
        b'application/json; charset="UTF-8"',
        b"application/x-www-form-urlencoded;charset=utf8",
        b"multipart/form-data; boundary=x",
        b"text/\xff",
        b"",
    ],
)
def test_utf_8_and_no_charset_are_read(content_type):
    assert ask(content_type) == 200


@pytest.mark.parametrize(
    "charset", [b"hex", b"utf-16", b"rot13", b"no-such", b"idna", b'"hex"', b"\xff", b"x" * 900]
)
def test_another_charset_is_refused(charset):
    assert ask(b"application/json; charset=" + charset) == 415
