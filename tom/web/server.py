"""The web server: uvicorn, with an end to connections that send no whole header."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

# From a request's first byte, or the opening of its connection, to the end of its header.
HEADER_SECONDS = 15.0
IDLE_SECONDS = 20
# Connections at once, open pages among them; a process's files are bounded, too.
MOST_CONNECTIONS = 1000


class PunctualProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on a header that does not come to its end.

    uvicorn has a time limit between requests, and none inside a header.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_header()

    def data_received(self, data: bytes) -> None:
        if self._is_idle():
            self._expect_header()
        super().data_received(data)
        if not self._is_idle():
            self._forget_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _expect_header(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self._hang_up)

    def _hang_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def serve(*, host: str, port: int, workers: int, grace_seconds: int) -> None:
    """Serve the site until a signal ends it."""
    uvicorn.run(
        "tom.asgi:application",
        host=host,
        port=port,
        workers=workers,
        http=PunctualProtocol,
        ws="none",
        access_log=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=grace_seconds,
        # Who a request is from, a proxy says only where the settings say that there is one.
        proxy_headers=False,
    )
