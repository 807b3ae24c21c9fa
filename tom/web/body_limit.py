"""How large a request may be: beyond that nothing of it is kept, not even on disk."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyLimit:
    """An ASGI application before another, which answers 413 to what is too large.

    Django's own limit comes after it has spooled the whole body to a file.
    """

    def __init__(
        self,
        application: Application,
        *,
        most_bytes: int,
        larger: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Take the limit, and those of paths that begin with something."""
        self.application = application
        self.most_bytes = most_bytes
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
        elif (declared := _declared_bytes(scope)) > (most := self._most(scope)):
            await _refuse(send, most, f"You sent {declared / 1e6:,.1f} MB. ")
        else:
            await self._pass_on(scope, receive, send)

    def _most(self, scope: Scope) -> int:
        path = scope.get("path", "")
        found = (most for start, most in self.larger.items() if path.startswith(start))
        return next(found, self.most_bytes)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hang up on a body that has no declared length and does not end."""
        read, answered, most = 0, False, self._most(scope)

        async def counting() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message if read <= most else {"type": "http.disconnect"}

        async def noting(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        await self.application(scope, counting, noting)
        if read > most and not answered:
            await _refuse(send, most)


def _declared_bytes(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


async def _refuse(send: Send, most: int, sent: str = "") -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    text = (
        f"{sent}This page takes at most {most / 1e6:,.1f} MB, and nothing was kept. "
        "Go back and send a smaller file.\n"
    )
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
