"""The charset in which a request may be written: UTF-8, as pages and scripts do."""

from email.message import Message as MailHeader
from typing import Final

from tom.web.body_limit import Application, Receive, Scope, Send

UTF_8_NAMES: Final = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})


class Utf8Only:
    """An ASGI application before another, which answers 415 to what names another charset.

    Django decodes the query with it before any middleware, and fails at a codec that is none of
    texts.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or all(map(_is_utf_8, _content_types(scope))):
            await self.application(scope, receive, send)
            return
        headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 415, "headers": headers})
        await send({"type": "http.response.body", "body": b"Send it in UTF-8.\n"})


def _content_types(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"]


def _is_utf_8(content_type: str) -> bool:
    header = MailHeader()
    header["content-type"] = "".join(letter for letter in content_type if letter.isprintable())
    named = header.get_param("charset", "")
    return isinstance(named, str) and named.strip().strip("\"'").lower() in UTF_8_NAMES
