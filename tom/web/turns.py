"""Turns at the database: a limited number of requests use it at once, the others wait.

Each request that Django works on opens a connection of its own. Without a bound a crowd of readers
takes every connection that PostgreSQL has, and workers and commands fail.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.db import connections

from tom.web.body_limit import Application, Message, Receive, Scope, Send

# What needs no database, or takes its turn only where it needs one.
WITHOUT = ("/static/", "/health/")
CHANGES = "/changes/"
# So long a thread keeps its connection to the database. PostgreSQL's memory for it may grow: it
# took 10 MB after a hundred pages of all kinds.
KEPT_SECONDS: Final = 600
# So many large bodies are read at once: each is held in memory.
LARGE_AT_ONCE: Final = 4


class TooLongError(Exception):
    """No turn came in time."""


class Turns:
    """Turns of one event loop's requests."""

    def __init__(self, most: int, *, wait_seconds: float) -> None:
        self.most = most
        self.wait_seconds = wait_seconds
        self._free: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}

    @contextlib.asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the block.

        Raises
        ------
        TooLongError
            If none came within `wait_seconds`.
        """
        free = self._semaphore()
        try:
            await asyncio.wait_for(free.acquire(), self.wait_seconds)
        except TimeoutError as error:
            raise TooLongError from error
        try:
            yield
        finally:
            free.release()

    def _semaphore(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        for ended in [other for other in self._free if other.is_closed()]:
            del self._free[ended]
        return self._free.setdefault(loop, asyncio.Semaphore(self.most))


class KeptThreads:
    """Some threads that requests work in, one after another, each with its own connection.

    A new connection costs each page some 25 ms: the process at PostgreSQL begins with empty caches.
    Beyond `most` threads a request has one of its own, whose connection ends with it.
    """

    def __init__(self, most: int) -> None:
        self._left = most
        self._idle: list[ThreadPoolExecutor] = []

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[None]:
        """Have what the block asks of Django worked on in a kept thread, if one is free."""
        thread = self._take()
        if thread is None:
            yield
            return
        try:
            async with ThreadSensitiveContext(executor=thread):
                yield
        finally:
            # A request that a client gave up may still be at work.
            thread.submit(_nothing).add_done_callback(lambda _: self._idle.append(thread))

    def _take(self) -> ThreadPoolExecutor | None:
        if self._idle:
            return self._idle.pop()
        if not self._left:
            return None
        self._left -= 1
        return ThreadPoolExecutor(1, thread_name_prefix="kept", initializer=_keep_connection)


def _keep_connection() -> None:
    """Keep this thread's connection from request to request, and try it before each."""
    kept = {"CONN_MAX_AGE": KEPT_SECONDS, "CONN_HEALTH_CHECKS": True}
    connection = connections["default"]
    connection.settings_dict = {**connection.settings_dict, **kept}


def _nothing() -> None:
    """Come after whatever a thread does now."""


@cache
def web_turns() -> Turns:
    """The turns of this process."""
    return Turns(settings.WEB_CONNECTIONS, wait_seconds=settings.WEB_WAIT_SECONDS)


class InTurn:
    """An ASGI application around another, which lets a limited number of requests in at once.

    What a client sends is read before it waits, and what it gets is sent after its turn, so that a
    slow client holds none. A stream of changes holds its turn until its first bytes. Of what is
    sent to paths that take more than others, few bodies are read at once.
    """

    def __init__(
        self,
        application: Application,
        *,
        turns: Turns,
        body_seconds: float,
        larger: Collection[str] = (),
    ) -> None:
        """Take the turns, the time for a body, and how the paths begin that take more."""
        self.application = application
        self.turns = turns
        self.body_seconds = body_seconds
        self.larger = tuple(larger)
        self.large = Turns(LARGE_AT_ONCE, wait_seconds=turns.wait_seconds)
        self.threads = KeptThreads(turns.most // 2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(WITHOUT):
            await self.application(scope, receive, send)
            return
        try:
            async with self._turn_of_large(scope):
                sent = await asyncio.wait_for(_read(receive), self.body_seconds)
                if scope["path"] == CHANGES:
                    await self._stream(scope, _replay(sent, receive), send)
                else:
                    await self._answer(scope, _replay(sent, receive), send)
        except TooLongError:
            await _refuse(send, 503, b"Too many ask at once. Try again in a moment.\n")
        except TimeoutError:
            await _refuse(send, 408, b"The request did not come to its end.\n")

    def _turn_of_large(self, scope: Scope) -> contextlib.AbstractAsyncContextManager[None]:
        is_sent = scope.get("method") not in ("GET", "HEAD")
        if is_sent and scope["path"].startswith(self.larger):
            return self.large.take()
        return contextlib.nullcontext()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        async with self.turns.take(), self.threads.lend():
            await self.application(scope, receive, keep)
        for message in answer:
            await send(message)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.AsyncExitStack() as turn:
            await turn.enter_async_context(self.turns.take())

            async def pass_on(message: Message) -> None:
                await turn.aclose()
                await send(message)

            await self.application(scope, receive, pass_on)


async def _read(receive: Receive) -> list[Message]:
    """Read a request's whole body; BodyLimit, which stands before, bounds it."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    left = list(messages)

    async def next_message() -> Message:
        return left.pop(0) if left else await receive()

    return next_message


async def _refuse(send: Send, status: int, text: bytes) -> None:
    headers: list[Any] = [(b"content-type", b"text/plain"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
